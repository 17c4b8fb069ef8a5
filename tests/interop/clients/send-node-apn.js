// @parse/node-apn -> host:port.  node send-node-apn.js HOST PORT N [--concurrency 1000] [--size 4096] [--clients 1] [--cert] [--token 0bad] [--type voip|alert|background]
'use strict';
const apn = require('@parse/node-apn'), { args, K, ca, token, inviteBody, run } = require('./common');
const a = args({ type: 'voip' });
const opt = { address: a.host === '127.0.0.1' ? 'localhost' : a.host, port: a.port, ca: ca(a.ca), production: false, requestTimeout: a.timeout || 30000 };
if (a.cert) { opt.cert = K + '/provider.pem'; opt.key = K + '/provider.key'; }
else opt.token = { key: K + '/AuthKey_ABC123DEFG.p8', keyId: 'ABC123DEFG', teamId: 'DEF123GHIJ' };
const p = a.clients > 1 ? new apn.MultiProvider({ ...opt, clientCount: a.clients }) : new apn.Provider(opt);
const body = inviteBody(a.size);
const mk = () => { const n = new apn.Notification();
  n.rawPayload = a.type === 'alert' ? { aps: { alert: { 'loc-key': 'MISSED_CALL', 'loc-args': ['Alice'] }, sound: 'default', badge: 1 } }
    : a.type === 'background' ? { aps: { 'content-available': 1 } } : body;
  n.topic = 'com.example.phone' + (a.type === 'voip' ? '.voip' : ''); n.pushType = a.type; n.priority = a.type === 'background' ? 5 : 10;
  n.expiry = a.type === 'voip' ? 0 : 1893456000; if (a.collapse) n.collapseId = String(a.collapse); return n; };
(async () => {
  const one = mk();
  await run('node-apn', a, async i => { const r = await p.send(a.fresh ? mk() : one, token(i, a.token));
    if (r.sent.length) return { ok: true, status: 200 }; const f = r.failed[0];
    return { ok: false, status: f.status || 'err', reason: (f.response && f.response.reason || f.error && f.error.message || '?') + (f.response && f.response.timestamp ? ' ts=' + f.response.timestamp : '') }; });
  await p.shutdown(); process.exit(0);
})();
