// An echo server as in the first lines of a manual: a socket without an "error" listener, so that a reset is an
// uncaught exception.
const net = require('node:net');

net.createServer({allowHalfOpen: true}, (client) => client.pipe(client)).listen(Number(process.argv[2]));
