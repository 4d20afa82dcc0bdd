// An echo server as the Node.js manual shows it: net.createServer() and a pipe, which keeps the backpressure.
'use strict';
const net = require('node:net');

// allowHalfOpen: the reply to a client that has half-closed must still go out.
const server = net.createServer({allowHalfOpen: true}, (socket) => {
  socket.on('error', () => socket.destroy());  // A client that resets is its own business.
  socket.pipe(socket);
});
server.listen(Number(process.argv[2]), '127.0.0.1');
