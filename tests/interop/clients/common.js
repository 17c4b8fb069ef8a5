'use strict';
const fs = require('fs'), path = require('path'), crypto = require('crypto');
const K = process.env.REVEILLE_MOCK_DIRECTORY; // written by reveille-mock --directory
if (!K) { console.error('set REVEILLE_MOCK_DIRECTORY to the directory that reveille-mock wrote'); process.exit(2); }
exports.args = defaults => { const a = { host: '127.0.0.1', port: 8443, n: 10, concurrency: 1000, size: 0, ca: K + '/ca.pem', clients: 1, ...defaults };
  for (let i = 2; i < process.argv.length; i++) { const s = process.argv[i]; if (!s.startsWith('--')) { (a._ = a._ || []).push(s); continue; }
    const v = process.argv[i + 1]; if (v === undefined || v.startsWith('--')) a[s.slice(2)] = true; else { a[s.slice(2)] = /^\d+$/.test(v) && s !== '--token' ? +v : v; i++; } }
  if (a._) { if (a._[0]) a.host = a._[0]; if (a._[1]) a.port = +a._[1]; if (a._[2]) a.n = +a._[2]; } return a; };
exports.K = K; exports.ca = f => fs.readFileSync(f);
exports.token = (i, prefix) => { const t = crypto.createHash('sha256').update('device' + (i % 1000)).digest('hex'); return prefix ? prefix + t.slice(prefix.length) : t; };
exports.inviteBody = size => { const p = { aps: {}, 'call-id': 'a84b4c76e66710@pc33.example.com', from: 'sip:alice@example.com', 'display-name': 'Alice', type: 'invite', date: 1700000000 };
  if (size) { const l = Buffer.byteLength(JSON.stringify(p)); if (size > l + 9) p.pad = 'x'.repeat(size - l - 9); } return p; };
// run(n, concurrency, fn): fn(i) resolves {ok, status, reason}; prints outcomes and rate
exports.run = async (name, a, fn) => {
  const tally = {}, lat = new Float64Array(a.n); let i = 0, okc = 0;
  const c0 = process.cpuUsage(), t0 = process.hrtime.bigint();
  const worker = async () => { while (i < a.n) { const k = i++, s = performance.now(); let r;
    try { r = await fn(k); } catch (e) { r = { ok: false, status: 'exc', reason: String(e && e.message || e).slice(0, 120) }; }
    lat[k] = performance.now() - s; if (r.ok) okc++; const key = r.ok ? 'ok' : `${r.status}:${r.reason}`; tally[key] = (tally[key] || 0) + 1;
    if (a.verbose || (!r.ok && tally[key] <= 3) || (r.ok && a.n <= 20)) console.log(`#${k} ${r.ok ? 'OK' : 'FAIL'} ${r.status || ''} ${r.reason || ''} ${lat[k].toFixed(1)}ms`); } };
  await Promise.all(Array.from({ length: Math.min(a.n, a.concurrency) }, worker));
  const dt = Number(process.hrtime.bigint() - t0) / 1e9, c = process.cpuUsage(c0); lat.sort();
  console.log(JSON.stringify({ client: name, n: a.n, ok: okc, outcomes: tally, seconds: +dt.toFixed(3), per_s: Math.round(a.n / dt),
    cpu_s: +((c.user + c.system) / 1e6).toFixed(3), us_cpu_per_push: +((c.user + c.system) / a.n).toFixed(1),
    p50_ms: +lat[Math.floor(a.n * .5)].toFixed(1), p99_ms: +lat[Math.min(a.n - 1, Math.floor(a.n * .99))].toFixed(1) }));
};
