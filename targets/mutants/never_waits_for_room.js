// Ignores that write() asks it to wait: replies that nobody reads pile up in memory.
const net = require('node:net');

net.createServer({allowHalfOpen: true}, (client) => {
  client.on('error', () => client.destroy());
  client.on('data', (octets) => client.write(octets));
  client.on('end', () => client.end());
}).listen(Number(process.argv[2]));
