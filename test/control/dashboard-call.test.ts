import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPageFiles } from '../../src/control/page-files.ts';
import { send } from '../support/http.ts';
import { startMonitoring } from '../support/monitoring.ts';
import { startReprise } from '../support/reprise.ts';

const FILES = readPageFiles();
const TOKEN = 'a-token-of-more-than-16';

test('the page and its files are there for everybody, with types that browsers believe', async () => {
  await using monitoring = await startMonitoring({ token: TOKEN });
  const page = await monitoring.ask('/dashboard');
  assert.equal(page.status, 200);
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  for (const [name, { body }] of FILES) {
    const answer = await monitoring.ask(`/dashboard/${name}`);
    assert.equal(answer.status, 200, name);
    assert.deepEqual(answer.body, body, name);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    const type = { js: 'text/javascript', css: 'text/css', html: 'text/html', svg: 'image/svg+xml' };
    const kind = Object.entries(type).find(([ending]) => name.endsWith(`.${ending}`))?.[1] ?? 'none';
    assert.ok(answer.headers.get('content-type')?.startsWith(kind), name);
  }
  assert.equal((await monitoring.ask('/monitoring/cache')).status, 401);
});

test('whether one has to sign in is told to everybody, so that the page need not be refused first', async () => {
  for (const token of [TOKEN, undefined]) {
    await using monitoring = await startMonitoring(token === undefined ? {} : { token });
    const answer = await monitoring.ask('/dashboard/sign-in.json');
    assert.deepEqual(answer.json(), { required: token !== undefined });
    assert.equal(answer.headers.get('cache-control'), 'no-cache');
  }
});

test('the page may load from its own origin only, run nothing inline, and be framed by nobody', async () => {
  await using monitoring = await startMonitoring();
  const policy = (await monitoring.ask('/dashboard')).headers.get('content-security-policy') ?? '';
  assert.deepEqual(policy.split('; '), [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]);
  for (const [name, { body }] of FILES) {
    // The charts' library has the address of its project in a comment.
    if (name.startsWith('uplot')) continue;
    const text = body.toString().replaceAll('http://www.w3.org/2000/svg', '');
    assert.doesNotMatch(text, /https?:\/\/|@import|url\(/, name);
    if (name.endsWith('.html')) assert.doesNotMatch(text, /\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|<style/);
  }
});

test('every file that the page or a part of it names is served', () => {
  const named = [...FILES].flatMap(([, { body }]) => {
    const text = body.toString();
    return [
      ...[...text.matchAll(/(?:src|href)="dashboard\/([^"]+)"/g)].map(([, name]) => name ?? ''),
      ...[...text.matchAll(/^import [^;]*?from '\.\/([^']+)';/gm)].map(([, name]) => name ?? ''),
    ];
  });
  assert.ok(named.length > 40, String(named.length));
  assert.deepEqual(
    named.filter((name) => !FILES.has(name)),
    [],
  );
  const used = new Set([...named, 'index.html']);
  assert.deepEqual(
    [...FILES.keys()].filter((name) => !used.has(name)),
    [],
  );
});

test('a file that the browser has is not sent again', async () => {
  await using monitoring = await startMonitoring();
  const first = await monitoring.ask('/dashboard/app.js');
  const etag = first.headers.get('etag') ?? '';
  assert.match(etag, /^"[\w-]{22}"$/);
  assert.equal(first.headers.get('cache-control'), 'no-cache');
  for (const line of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await monitoring.ask('/dashboard/app.js', { headers: { 'if-none-match': line } });
    assert.equal(again.status, 304, line);
    assert.equal(again.body.length, 0);
    assert.equal(again.headers.get('etag'), etag);
  }
  const other = await monitoring.ask('/dashboard/app.js', { headers: { 'if-none-match': '"other"' } });
  assert.equal(other.status, 200);
});

test('nothing else is below the page: no other file, no way out of its folder, no other method', async () => {
  await using monitoring = await startMonitoring();
  for (const path of ['/dashboard/nothing.js', '/dashboard/tsconfig.json', '/dashboard/%2e%2e/main.ts']) {
    assert.equal((await monitoring.ask(path)).status, 404, path);
  }
  const slash = await monitoring.ask('/dashboard/');
  assert.deepEqual([slash.status, slash.headers.get('location')], [308, '../dashboard']);
  assert.equal((await monitoring.ask('/dashboard', { method: 'POST', body: {} })).status, 405);
  const head = await monitoring.ask('/dashboard', { method: 'HEAD' });
  assert.deepEqual([head.status, head.body.length], [200, 0]);
});

test('where the control plane has a port of its own, the page is there and not on the data port', async () => {
  await using reprise = await startReprise({
    upstream: 'http://127.0.0.1:9/v1',
    profile: { admin: { port: 0 } },
  });
  assert.equal((await send(`${reprise.controlUrl}/dashboard`)).status, 200);
  assert.equal((await send(`${reprise.url}/dashboard`)).status, 404);
});
