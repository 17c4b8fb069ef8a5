// apns2 -> host:port (its port 443 is fixed -> redirected at tls.connect).
//   node send-apns2.js HOST PORT N [--concurrency 1000] [--size 4096] [--token dead] [--type voip|alert|background] [--collapse id] [--timeout ms]
'use strict';
const fs = require('fs'), { args, K, ca, token, inviteBody, run } = require('./common');
const a = args({ type: 'voip' }), host = 'api.push.apple.com';
require('./redirect')({ [host]: [a.host, a.port] }, ca(a.ca));
const { ApnsClient, Notification, PushType, Priority } = require('apns2');
const client = new ApnsClient({ host, team: 'DEF123GHIJ', keyId: 'ABC123DEFG', signingKey: fs.readFileSync(K + '/AuthKey_ABC123DEFG.p8') });
const body = inviteBody(a.size); delete body.aps;
const mk = t => new Notification(t, a.type === 'alert' ? { type: PushType.alert, topic: 'com.example.phone', alert: { 'loc-key': 'MISSED_CALL', 'loc-args': ['Alice'] }, badge: 1, expiration: 1893456000, collapseId: a.collapse && String(a.collapse) }
  : a.type === 'background' ? { type: PushType.background, topic: 'com.example.phone', priority: Priority.throttled, contentAvailable: true }
  : { type: PushType.voip, topic: 'com.example.phone.voip', expiration: 0, data: body });
const late = ms => new Promise((_, reject) => setTimeout(() => reject(new Error('no answer within ' + ms + ' ms')), ms));
(async () => {
  await run('apns2', a, async i => { try { const sent = client.send(mk(token(i, a.token))); await (a.timeout ? Promise.race([sent, late(a.timeout)]) : sent); return { ok: true, status: 200 }; }
    catch (e) { return { ok: false, status: e.statusCode || 'err', reason: e.reason || e.message }; } });
  process.exit(0);
})();
