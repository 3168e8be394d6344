import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FolderLocked } from '../../src/cache/disk-folder.ts';
import { seededRandom } from '../../src/demo/random.ts';
import { ManualClock } from '../support/clock.ts';
import { cut, files, flipBits } from '../support/damage.ts';
import { until, within } from '../support/deadline.ts';
import { oracleVector } from '../support/embeddings.ts';
import { tempFolder } from '../support/folder.ts';
import { chat, send } from '../support/http.ts';
import { sendJson } from '../support/openai-server.ts';
import { startReprise, type TestReprise } from '../support/reprise.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

// What LevelDB itself does about each damage was measured row by row; here the proxy runs on it. The tier alone is put to
// more of them in disk-damage.test.ts.
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const CHAT = '/v1/chat/completions';
const TEXTS: readonly string[] = Array.from({ length: 1_200 }, (_, at) => `text ${at}`);
const [BATCH, DIMENSIONS] = [100, 1_024];
// Small, so that what is stored fills several of LevelDB's tables.
const PROFILE = { disk: { max_bytes: '12MB' }, memory: { max_entries: 40 } };

const random = seededRandom(7);
const clock = new ManualClock();
const intact = tempFolder();
let upstream: Upstream;

/** Asks for every text; each vector must be the right one. Gives how many came from the cache. */
async function askAll(url: string, texts = TEXTS): Promise<number> {
  let hits = 0;
  for (let at = 0; at < texts.length; at += BATCH) {
    const input = texts.slice(at, at + BATCH);
    const body = { model: 'e', input, dimensions: DIMENSIONS, encoding_format: 'base64' };
    const answer = await send(`${url}/v1/embeddings`, { body });
    assert.equal(answer.status, 200);
    const { data } = answer.json() as { data: { embedding: string }[] };
    assert.deepEqual(
      data.map(({ embedding }) => embedding),
      input.map((text) => oracleVector('e', text, DIMENSIONS).toString('base64')),
    );
    hits += Number(answer.headers.get('x-cache-parts')?.split('/')[0]);
  }
  return hits;
}

/** What `/health/ready` says of L2. */
async function l2(reprise: TestReprise): Promise<string> {
  const answer = await send(`${reprise.url}/health/ready`);
  assert.equal(answer.status, 200);
  return (answer.json() as { checks: { l2: { state: string } } }).checks.l2.state;
}

/** What came of a damaged folder: how many entries were found in it, and what was said to the operator. */
interface Outcome {
  readonly found: number;
  readonly said: string;
}

/**
 * Starts the proxy on a damaged copy: it answers everything right, asks upstream for just what is lost, is well within
 * seconds, and has everything on disk once more after that.
 */
async function survive(damage: (folder: string) => void): Promise<Outcome> {
  const folder = tempFolder();
  cpSync(intact, folder, { recursive: true });
  damage(join(folder, 'l2'));
  const time = new ManualClock(clock.now());
  const options = { upstream: upstream.url, folder, clock: time, profile: PROFILE };
  await using reprise = await startReprise(options);
  const found = await lost(() => askAll(reprise.url));
  await until(async () => {
    time.advance(1_000);
    return (await l2(reprise)) === 'ok';
  }, 'L2 to be well');
  await askAll(reprise.url);
  await reprise.stop();
  await using again = await startReprise(options);
  assert.equal(await lost(() => askAll(again.url)), TEXTS.length, 'after another restart');
  assert.equal(await l2(again), 'ok');
  const said = reprise.events.flatMap((event) => ('why' in event ? event.why : [])).join('; ');
  return { found, said };
}

/** What `ask` finds; of what it does not, each was one item of a call upstream. */
async function lost(ask: () => Promise<number>): Promise<number> {
  const before = upstream.calls.length;
  const found = await ask();
  const asked = upstream.calls.slice(before).flatMap((call) => call.json().input);
  assert.equal(asked.length, TEXTS.length - found);
  return found;
}

describe('the proxy on a data folder with', () => {
  before(async () => {
    upstream = await startUpstream();
    const reprise = await startReprise({ upstream: upstream.url, folder: intact, clock, profile: PROFILE });
    assert.equal(await askAll(reprise.url), 0);
    await reprise.stop();
  });
  after(() => upstream.close());

  test('no damage at all has everything', async () => {
    assert.deepEqual(await survive(() => undefined), { found: TEXTS.length, said: '' });
  });

  test('bit flips in 5 .ldb', async () => {
    const { found } = await survive((folder) => {
      for (const file of files(folder, /\.ldb$/).slice(0, 5)) flipBits(file, 20, random);
    });
    assert.ok(found < TEXTS.length, `${found} found`);
  });

  test('.ldb truncated', async () => {
    const { found } = await survive((folder) => cut(files(folder, /\.ldb$/)[0] ?? '', 0.5));
    assert.ok(found < TEXTS.length, `${found} found`);
  });

  test('.ldb missing', async () => {
    const { found, said } = await survive((folder) => rmSync(files(folder, /\.ldb$/)[0] ?? ''));
    assert.ok(found > 0 && found < TEXTS.length, `${found} found`);
    assert.match(said, /repairing/);
  });

  test('MANIFEST cut in half', async () => {
    await survive((folder) => cut(files(folder, /^MANIFEST/)[0] ?? '', 0.5));
  });

  test('MANIFEST deleted', async () => {
    const { found } = await survive((folder) => rmSync(files(folder, /^MANIFEST/)[0] ?? ''));
    assert.equal(found, TEXTS.length);
  });

  test('CURRENT empty', async () => {
    const { found } = await survive((folder) => writeFileSync(join(folder, 'CURRENT'), ''));
    assert.equal(found, TEXTS.length);
  });

  test('CURRENT deleted', async () => {
    const { found } = await survive((folder) => rmSync(join(folder, 'CURRENT')));
    assert.equal(found, TEXTS.length);
  });

  test('one byte flipped in the WAL: an older answer may be back, whole and for no longer than its own time', async (t) => {
    t.after(() => upstream.answer(undefined, CHAT.slice(3)));
    const folder = tempFolder();
    const time = new ManualClock();
    const questions = Array.from({ length: 100 }, (_, at) => `question ${at}`);
    let version = 'first';
    upstream.answer((request, response) => {
      const content = `${version} answer to ${JSON.stringify(request.json().messages)} ${'word '.repeat(100)}`;
      sendJson(response, 200, {
        choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      });
    }, CHAT.slice(3));
    const ask = async (reprise: TestReprise, headers: Record<string, string>) => {
      const told = new Map<string, number>();
      for (const question of questions) {
        const answer = await send(reprise.url + CHAT, { body: chat(question), headers });
        time.advance(50);
        if (answer.status === 504) continue;
        const content = JSON.stringify(answer.json());
        const read = /(first|second) answer to .*?(question \d+)\\.* (?:word ){100}"/.exec(content);
        assert.equal(read?.[2], question, content);
        told.set(read?.[1] ?? '', (told.get(read?.[1] ?? '') ?? 0) + 1);
      }
      return told;
    };
    const options = { upstream: upstream.url, folder, clock: time, profile: PROFILE };
    await using first = await startReprise(options);
    await ask(first, { 'x-cache-ttl': '10m' });
    await first.stop();
    // Its restart brings the first answers into a table; the second ones are in the log alone.
    await using second = await startReprise(options);
    time.advance(300_000);
    version = 'second';
    await ask(second, { 'cache-control': 'no-cache', 'x-cache-ttl': '10m' });
    await second.stop();
    for (const file of files(join(folder, 'l2'), /\.log$/)) {
      const bytes = readFileSync(file);
      const at = Math.floor(bytes.length / 2);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
      writeFileSync(file, bytes);
    }
    await using third = await startReprise(options);
    const told = await ask(third, { 'cache-control': 'only-if-cached' });
    assert.ok((told.get('first') ?? 0) > 0, 'LevelDB gives older values back where its log is damaged');
    assert.ok((told.get('second') ?? 0) > 0);
    assert.equal(await l2(third), 'ok');
    time.advance(300_000);
    assert.deepEqual([...(await ask(third, { 'cache-control': 'only-if-cached' })).keys()], ['second']);
  });

  test('a second process or instance on it, which does not start and changes nothing', async () => {
    const folder = tempFolder();
    cpSync(intact, folder, { recursive: true });
    const options = { upstream: upstream.url, folder, clock: new ManualClock(clock.now()), profile: PROFILE };
    await using first = await startReprise(options);
    const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--data', folder], {
      stdio: 'ignore',
    });
    assert.deepEqual(await within(once(child, 'exit'), 'the second process', 20_000), [1, null]);
    await assert.rejects(startReprise(options), FolderLocked);
    assert.equal(await askAll(first.url), TEXTS.length);
    assert.equal(await l2(first), 'ok');
  });

  test('kill -9 while writing', async (t) => {
    const folder = tempFolder();
    const args = ['serve', '--port', '0', '--data', folder, '--upstream', upstream.url];
    const child = spawn(process.execPath, [MAIN, ...args, '--set', 'disk.max_bytes=50MB'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.after(() => child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    const [line] = await within(once(child.stdout, 'data'), 'the ready line', 20_000);
    const url = /http:\S+/.exec(String(line))?.[0] ?? '';
    const load = (async () => {
      await askAll(url);
      for (let round = 0; ; round++)
        await askAll(
          url,
          TEXTS.map((text) => `${text} of round ${round}`),
        );
    })();
    const written = () =>
      files(join(folder, 'l2'), /./).reduce(
        (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
        0,
      );
    await within(
      Promise.race([load, until(() => written() > 15_000_000, 'more than the first round', 20_000)]),
      'writes',
      20_000,
    );
    child.kill('SIGKILL');
    await assert.rejects(load);
    await exited;
    await using reprise = await startReprise({ upstream: upstream.url, folder });
    const found = await lost(() => askAll(reprise.url));
    assert.equal(found, TEXTS.length);
    assert.equal(await l2(reprise), 'ok');
  });
});
