// The same service in Node: a packet goes back as it came.
const socket = require('dgram').createSocket('udp4');
socket.on('message', (packet, peer) => socket.send(packet, peer.port, peer.address));
socket.bind(0, '127.0.0.1', () => console.log(`port ${socket.address().port}`));
