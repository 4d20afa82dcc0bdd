// Java, NIO: one thread and a Selector for all connections: echo.
//
//     java JavaNio PORT
//
// What is easy to get wrong with NIO: selected keys that are not removed; OP_WRITE asked for with nothing to write, which
// spins; a buffer a client, for a thousand clients; read() that returns -1, which stays readable for ever; a
// CancelledKeyException of a client that was closed in the same round.

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

final class JavaNio {
  private static final int BACKLOG = 128;
  private static final int ROOM = 16384;
  private static final long PAUSE_MS = 100;

  private final Selector selector;
  private final ByteBuffer input = ByteBuffer.allocateDirect(ROOM);  // One for all: between two events it is empty.
  private final ServerSocketChannel listener;
  private final SelectionKey listening;
  private long acceptAgainAt;  // In ms, after accept() found no free descriptor; else 0.

  private JavaNio(int port) throws IOException {
    selector = Selector.open();
    listener = ServerSocketChannel.open();
    listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
    listener.bind(new InetSocketAddress(port), BACKLOG);
    listener.configureBlocking(false);
    listening = listener.register(selector, SelectionKey.OP_ACCEPT);
  }

  private static long now() {
    return System.nanoTime() / 1_000_000;
  }

  private void run() throws IOException {
    while (true) {
      long pause = acceptAgainAt == 0 ? 0 : Math.max(1, acceptAgainAt - now());
      selector.select(this::handle, pause);
      if (acceptAgainAt != 0 && now() >= acceptAgainAt) {
        acceptAgainAt = 0;
        listening.interestOps(SelectionKey.OP_ACCEPT);
      }
    }
  }

  private void handle(SelectionKey key) {
    if (key == listening) {
      accept();
      return;
    }
    try {
      serve(key);
    } catch (IOException lost) {
      close(key);  // This client is gone, which is its own business.
    }
  }

  private void accept() {
    try {
      SocketChannel client = listener.accept();
      if (client == null) return;
      try {
        client.configureBlocking(false);
        client.setOption(StandardSocketOptions.TCP_NODELAY, true);
        client.register(selector, SelectionKey.OP_READ);
      } catch (IOException lost) {
        client.close();
      }
    } catch (IOException noDescriptor) {
      // The listener stays ready: watching it on would spin.
      listening.interestOps(0);
      acceptAgainAt = now() + PAUSE_MS;
    }
  }

  /** Output that the client does not take at once is kept with its key, and the client is not read from meanwhile. */
  private void serve(SelectionKey key) throws IOException {
    var client = (SocketChannel) key.channel();
    var rest = (ByteBuffer) key.attachment();
    if (rest == null) {
      input.clear();
      if (client.read(input) < 0) {
        close(key);
        return;
      }
      client.write(input.flip());
      if (!input.hasRemaining()) return;
      rest = ByteBuffer.allocate(input.remaining()).put(input).flip();
    } else {
      client.write(rest);
    }
    boolean waits = rest.hasRemaining();
    key.attach(waits ? rest : null);
    key.interestOps(waits ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
  }

  private static void close(SelectionKey key) {
    try {
      key.channel().close();
    } catch (IOException gone) {
      // It is closed all the same.
    }
  }

  public static void main(String[] words) throws IOException {
    new JavaNio(Integer.parseInt(words[0])).run();
  }
}
