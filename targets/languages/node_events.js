// Node.js, one thread, events: echo, or `TEXT\n` answered by `ok TEXT\n`.
//
//     node node_events.js PORT echo|line
//
// What is easy to get wrong in Node.js: without allowHalfOpen the reply to a client that has half-closed is lost; an
// 'error' nobody listens to ends the process; write() that returns false is a request to wait; a chunk is neither a
// line nor a text.
'use strict';
const net = require('node:net');

const MAX_TEXT = 4096;
const OK = Buffer.from('ok ');
const NEWLINE = Buffer.from('\n');
const [port, protocol] = process.argv.slice(2);

function echo(client) {
  client.pipe(client);  // Keeps the backpressure, and ends the output when the input ends.
}

function lines(client) {
  let rest = Buffer.alloc(0);  // Of a line whose end has not come.
  client.on('data', (chunk) => {
    let from = 0;
    let hasRoom = true;
    client.cork();  // What one chunk asks for goes out together, uncopied.
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      const piece = chunk.subarray(from, end);
      const line = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
      const text = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
      if (text.length > MAX_TEXT) return refuse(client);
      client.write(OK);
      client.write(text);
      hasRoom = client.write(NEWLINE);
      rest = Buffer.alloc(0);
      from = end + 1;
    }
    client.uncork();
    rest = Buffer.concat([rest, chunk.subarray(from)]);  // A copy: a view would keep the whole chunk.
    if (rest.length > MAX_TEXT + 1) return refuse(client);
    if (!hasRoom) client.pause();
  });
  client.on('drain', () => client.resume());
  client.on('end', () => client.end());
}

// Reads on, and throws away: unread input would turn the close into a reset, which can destroy the reply.
function refuse(client) {
  client.removeAllListeners('data');
  client.uncork();
  client.end('error line too long\n');
  client.resume();
  client.setTimeout(3000, () => client.destroy());
}

const converse = {echo, line: lines}[protocol];
const server = net.createServer({allowHalfOpen: true, noDelay: true}, (client) => {
  client.on('error', () => client.destroy());  // This client is gone, which is its own business.
  converse(client);
});
server.listen({port: Number(port), host: '0.0.0.0', backlog: 128});
