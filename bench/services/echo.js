// The same service in Node: read to the client's half-close, answer with the bytes, close.
const net = require('net');
const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  const parts = [];
  socket.on('data', (part) => parts.push(part));
  socket.on('end', () => socket.end(Buffer.concat(parts)));
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', 1000, () => console.log(`port ${server.address().port}`));
