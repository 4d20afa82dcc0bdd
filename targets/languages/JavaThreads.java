// Java, blocking streams, a thread a connection: echo, or frames of four octets of length and a payload.
//
//     java JavaThreads PORT echo|length-prefixed
//
// What is easy to get wrong in Java: a thread that cannot be made is an OutOfMemoryError, which nobody catches; a length
// that is trusted makes another one, and so does a large buffer for each of a thousand silent clients;
// InputStream.read() fills the buffer or does not; a pool of threads that is smaller than the number of silent clients.

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;

final class JavaThreads {
  private static final int BACKLOG = 128;
  private static final int HEADER = 4;
  private static final int MAX_PAYLOAD = 65536;

  private interface Conversation {
    void hold(Socket client) throws IOException;
  }

  private static void echo(Socket client) throws IOException {
    client.getInputStream().transferTo(client.getOutputStream());
  }

  private static void frames(Socket client) throws IOException {
    var input = new DataInputStream(client.getInputStream());
    var output = client.getOutputStream();
    try {
      while (true) {
        int length = input.readInt();
        if (length < 0 || length > MAX_PAYLOAD) {
          closeInStages(client);
          return;
        }
        byte[] frame = ByteBuffer.allocate(HEADER + length).putInt(length).array();
        input.readFully(frame, HEADER, length);
        output.write(frame);  // At once: a header on its own would be a segment on its own.
      }
    } catch (EOFException end) {
      // Perhaps in mid-frame: what is not complete is no request.
    }
  }

  /** Input that nobody has read would turn close() into a reset, which can destroy replies. */
  private static void closeInStages(Socket client) throws IOException {
    client.shutdownOutput();
    client.setSoTimeout(3000);
    byte[] ignored = new byte[4096];
    while (client.getInputStream().read(ignored) >= 0) {
    }
  }

  private static void serve(Socket client, Conversation conversation) {
    try (client) {
      client.setTcpNoDelay(true);
      conversation.hold(client);
    } catch (IOException lost) {
      // This client is gone, which is its own business.
    }
  }

  private static void start(Socket client, Conversation conversation) throws IOException {
    try {
      new Thread(() -> serve(client, conversation)).start();
    } catch (OutOfMemoryError noThread) {
      client.close();  // This client is turned away, the others are served.
    }
  }

  public static void main(String[] words) throws IOException, InterruptedException {
    Conversation conversation = words[1].equals("echo") ? JavaThreads::echo : JavaThreads::frames;
    try (var listener = new ServerSocket(Integer.parseInt(words[0]), BACKLOG)) {  // Sets SO_REUSEADDR on Linux.
      while (true) {
        try {
          start(listener.accept(), conversation);
        } catch (IOException noDescriptor) {
          Thread.sleep(100);  // The listener stays ready: asking again at once would spin.
        }
      }
    }
  }
}
