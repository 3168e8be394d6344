import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import {
  appendFile,
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Journal, type OpenedJournal } from '../../src/cache/journal.ts';
import { tempFolder } from '../support/folder.ts';

test('what was appended is there after a restart, in order, and more can be appended', async () => {
  const path = await journalOf(['one', { two: 2 }, [3, null]]);
  const first = await Journal.open(path);
  assert.deepEqual(seen(first), { records: ['one', { two: 2 }, [3, null]], whole: true });
  await first.journal.append(['four']);
  await first.journal.append(['fünf', '☃']);
  assert.equal(first.journal.length, statSync(path).size);
  await first.journal.close();
  assert.deepEqual(seen(await reopened(path)).records, ['one', { two: 2 }, [3, null], 'four', 'fünf', '☃']);
});

test('a journal that is absent is not whole, and takes nothing until it is rewritten', async () => {
  const path = join(tempFolder(), 'deep', 'down', 'journal');
  const { journal, records, whole, flaw } = await Journal.open(path);
  assert.deepEqual({ records, whole, flaw }, { records: [], whole: false, flaw: 'absent' });
  await assert.rejects(journal.append(['lost']), /has to be rewritten first/);
  await journal.rewrite([]);
  await journal.append(['kept']);
  await journal.close();
  assert.deepEqual(seen(await reopened(path)), { records: ['kept'], whole: true });
});

test('only its owner may read it', async () => {
  const path = await journalOf([1]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a damaged journal stays as it is until it is rewritten, however often it is opened', async () => {
  const path = await journalOf([1, 2, 3]);
  await truncate(path, statSync(path).size - 1);
  const before = await readFile(path);
  for (let opening = 0; opening < 2; opening++) {
    const { journal, records, whole, flaw } = await Journal.open(path);
    assert.deepEqual({ records, whole, flaw }, { records: [1, 2], whole: false, flaw: 'cut' });
    await assert.rejects(journal.append([4]));
    await journal.close();
    assert.deepEqual(await readFile(path), before);
  }
  const { journal, records } = await Journal.open(path);
  await journal.rewrite(records);
  await journal.close();
  assert.deepEqual(seen(await reopened(path)), { records: [1, 2], whole: true });
});

test('cut at any byte, it is known not to be whole, and gives the records before the cut', async () => {
  const path = await journalOf(['a', 'bc', { d: 'e' }]);
  const file = await readFile(path);
  for (let length = 0; length < file.length; length++) {
    await writeFile(path, file.subarray(0, length));
    const { records, whole } = seen(await reopened(path));
    assert.equal(whole, false, `cut at ${length}`);
    assert.deepEqual(records, ['a', 'bc', { d: 'e' }].slice(0, records.length), `cut at ${length}`);
  }
});

test('with any byte flipped, it is known not to be whole, and gives no record that was not written', async () => {
  const written = ['a', 'bc', { d: 'e' }];
  const path = await journalOf(written);
  const file = await readFile(path);
  for (let at = 0; at < file.length; at++) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const damaged = Buffer.from(file);
      damaged.writeUInt8(damaged.readUInt8(at) ^ mask, at);
      await writeFile(path, damaged);
      const { records, whole } = seen(await reopened(path));
      assert.equal(whole, false, `byte ${at}`);
      assert.deepEqual(records, written.slice(0, records.length), `byte ${at}`);
    }
  }
});

test('the rest of an append that a crash cut off was promised to nobody: the journal is whole without it', async () => {
  const path = await journalOf(['kept']);
  const longer = await journalOf(['kept', 'begun']);
  const whole = await readFile(path);
  const rest = (await readFile(longer)).subarray(whole.length);
  for (let length = 0; length < rest.length; length++) {
    await writeFile(path, whole);
    await appendFile(path, rest.subarray(0, length));
    const opened = await Journal.open(path);
    assert.deepEqual(seen(opened), { records: ['kept'], whole: true }, `${length} bytes of it`);
    await opened.journal.append(['after']);
    await opened.journal.close();
    assert.deepEqual(seen(await reopened(path)), { records: ['kept', 'after'], whole: true });
  }
});

test('a whole record that was not yet promised is taken, and is there for good from then on', async () => {
  const path = await journalOf(['kept']);
  const head = (await readFile(path)).subarray(0, 20);
  const longer = await readFile(await journalOf(['kept', 'begun']));
  await writeFile(path, Buffer.concat([head, longer.subarray(20)]));
  assert.deepEqual(seen(await reopened(path)), { records: ['kept', 'begun'], whole: true });
  await truncate(path, statSync(path).size - 1);
  assert.equal(seen(await reopened(path)).whole, false);
});

test('what is appended at the same time is all there, each in its order, at few fsyncs', async () => {
  const path = await journalOf([]);
  const { journal } = await Journal.open(path);
  const begun = performance.now();
  await Promise.all(Array.from({ length: 1_000 }, (_, at) => journal.append([at])));
  const together = performance.now() - begun;
  await journal.close();
  assert.deepEqual(
    seen(await reopened(path)).records,
    Array.from({ length: 1_000 }, (_, at) => at),
  );
  assert.ok(together < 2_000, `${together} ms`);
});

test('a rewrite stands for what was appended before it, and what comes after is added to it', async () => {
  const path = await journalOf([]);
  const { journal } = await Journal.open(path);
  const before = journal.append(['old']);
  const waiting = journal.append(['older']);
  const rewriting = journal.rewrite(['new']);
  const after = journal.append(['next']);
  await Promise.all([before, waiting, rewriting, after]);
  await journal.close();
  assert.deepEqual(seen(await reopened(path)), { records: ['new', 'next'], whole: true });
});

test('a rewrite that fails leaves the old journal', async () => {
  const path = await journalOf(['kept']);
  const { journal } = await Journal.open(path);
  await mkdir(`${path}.new`);
  const waiting = journal.append(['waited']);
  await assert.rejects(journal.rewrite(['never']));
  await waiting;
  await journal.append(['after']);
  await rm(`${path}.new`, { recursive: true });
  await journal.close();
  assert.deepEqual(seen(await reopened(path)), { records: ['kept', 'waited', 'after'], whole: true });
});

test('a draft that a crash left behind is in nobody’s way', async () => {
  const path = await journalOf(['kept']);
  await writeFile(`${path}.new`, 'half of somethi');
  const { journal, records } = await Journal.open(path);
  await journal.rewrite([...records, 'more']);
  await journal.close();
  assert.deepEqual(seen(await reopened(path)), { records: ['kept', 'more'], whole: true });
  assert.deepEqual((await readdir(join(path, '..'))).sort(), ['journal']);
});

for (const failing of ['write', 'datasync'] as const) {
  test(`after a failed ${failing} nothing is taken until a rewrite has succeeded`, async (t) => {
    const path = await journalOf(['kept']);
    const { journal, records } = await Journal.open(path);
    const probe = await open(path);
    const full = () => Promise.reject(new Error('no space left on device'));
    const fault = t.mock.method(Object.getPrototypeOf(probe), failing, full);
    await probe.close();
    await assert.rejects(journal.append(['lost']), /no space left/);
    await assert.rejects(journal.rewrite(records), /no space left/);
    fault.mock.restore();
    await assert.rejects(journal.append(['lost']), /has to be rewritten first/);
    await journal.rewrite([...records, 'again']);
    await journal.append(['more']);
    await journal.close();
    assert.deepEqual(seen(await reopened(path)), { records: ['kept', 'again', 'more'], whole: true });
  });
}

test('a closed journal takes nothing, and what was appended before is there', async () => {
  const path = await journalOf([]);
  const { journal } = await Journal.open(path);
  const last = journal.append(['last']);
  await journal.close();
  await journal.close();
  await last;
  await assert.rejects(journal.append(['late']), /is closed/);
  await assert.rejects(journal.rewrite(['late']), /is closed/);
  assert.deepEqual(seen(await reopened(path)).records, ['last']);
});

test('a value without JSON is refused, and harms nothing', async () => {
  const path = await journalOf(['kept']);
  const { journal } = await Journal.open(path);
  assert.throws(() => journal.append([undefined]), TypeError);
  assert.throws(() => journal.append([1n]), TypeError);
  await journal.append(['more']);
  await journal.close();
  assert.deepEqual(seen(await reopened(path)).records, ['kept', 'more']);
});

test('a journal of another version is not read as one of ours', async () => {
  const path = await journalOf(['kept']);
  const file = await readFile(path);
  file.write('2', 7);
  await writeFile(path, file);
  assert.deepEqual(seen(await reopened(path)), { records: [], whole: false });
  await copyFile(path, `${path}.text`);
  await writeFile(`${path}.text`, 'something else altogether');
  assert.equal((await Journal.open(`${path}.text`)).flaw, 'head');
});

/** A closed journal that holds `records`. */
async function journalOf(records: readonly unknown[]): Promise<string> {
  const path = join(tempFolder(), 'journal');
  const { journal } = await Journal.open(path);
  await journal.rewrite([]);
  for (const record of records) await journal.append([record]);
  await journal.close();
  return path;
}

async function reopened(path: string): Promise<OpenedJournal> {
  const opened = await Journal.open(path);
  await opened.journal.close();
  return opened;
}

function seen({ records, whole }: OpenedJournal): Pick<OpenedJournal, 'records' | 'whole'> {
  return { records, whole };
}
