// web-push -> https://HOST:PORT/wp/<n>, payload encrypted, VAPID signed, HTTP/1.1.  node send-web-push.js HOST PORT N [--nopayload] [--sockets 64]
'use strict';
const https = require('https'), crypto = require('crypto'), wp = require('web-push'), { args, ca, run } = require('./common');
const a = args({ concurrency: 64 }), v = wp.generateVAPIDKeys(), ua = crypto.createECDH('prime256v1'); ua.generateKeys();
const agent = new https.Agent({ keepAlive: true, maxSockets: a.sockets || 64, ca: ca(a.ca) });
const payload = a.nopayload ? null : JSON.stringify({ type: 'invite', date: 1700000000 }), host = a.host === '127.0.0.1' ? 'localhost' : a.host;
(async () => {
  await run('web-push', a, async i => { try {
    const r = await wp.sendNotification({ endpoint: `https://${host}:${a.port}/wp/${i}`, keys: { p256dh: ua.getPublicKey('base64url'), auth: crypto.randomBytes(16).toString('base64url') } },
      payload, { TTL: 28, urgency: 'high', topic: 'call', agent, vapidDetails: { subject: 'mailto:ops@example.com', publicKey: v.publicKey, privateKey: v.privateKey } });
    return { ok: true, status: r.statusCode }; }
  catch (e) { return { ok: false, status: e.statusCode || 'err', reason: (e.body || e.message).slice(0, 60) }; } });
  process.exit(0);
})();
