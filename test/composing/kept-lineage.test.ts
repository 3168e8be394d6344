import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openLineage } from '../../src/composing/kept-lineage.ts';
import { ManualClock } from '../support/clock.ts';
import { tempFolder } from '../support/folder.ts';
import { inherited } from '../support/lineage.ts';

const MINUTE = 60_000;

/** Processes that follow each other on one folder, each with a clock of its own. Those that are not closed crash, for the next ones. */
function processes(t: TestContext) {
  const path = join(tempFolder(), 'lineage.journal');
  const start = (options: { readonly fresh?: boolean; readonly path?: string | undefined } = {}) => {
    const clock = new ManualClock();
    const opening = openLineage({ clock, path, fresh: false, ...options });
    t.after(() =>
      opening.then(
        ({ close }) => close(),
        () => {},
      ),
    );
    return opening.then((kept) => ({ ...kept, clock }));
  };
  return { path, start };
}

/** Where a link leads; empty for one that is gone by now. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

describe('what a process leaves of its lineage to the next', () => {
  it('at a clean end is all that it was told, for as long as it had left', async (t) => {
    const { path, start } = processes(t);
    const first = await start({ fresh: true });
    first.lineage.note('me', 't', [['product:1', 5]]);
    first.clock.advance(4 * MINUTE);
    await first.close();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const second = await start();
    assert.deepEqual(inherited(second.lineage, 'me', 't'), [['product:1', 5]]);
    assert.deepEqual(inherited(second.lineage, 'me', 'never'), []);
    second.clock.advance(5 * MINUTE);
    assert.deepEqual(inherited(second.lineage, 'me', 't'), [['product:1', 5]]);
    second.clock.advance(2 * MINUTE);
    assert.deepEqual(inherited(second.lineage, 'me', 't'), []);
  });

  it('at a crash is nothing, and for ten minutes no trace is known whole', async (t) => {
    const { start } = processes(t);
    const first = await start({ fresh: true });
    first.lineage.note('me', 't', [['product:1', 5]]);
    await first.close();
    // What the first one left is no longer there for the third.
    (await start()).lineage.note('me', 't', [['product:2', 6]]);
    const third = await start();
    third.lineage.note('me', 't', [['product:3', 7]]);
    assert.equal(inherited(third.lineage, 'me', 't'), 'too-many');
    assert.equal(inherited(third.lineage, 'me', 'any'), 'too-many');
    third.clock.advance(10 * MINUTE);
    assert.equal(inherited(third.lineage, 'me', 'any').length, 0);
  });

  it('is nothing that a process could not take out of its file, which goes on without it and leaves no file open', async (t) => {
    const { path, start } = processes(t);
    const first = await start({ fresh: true });
    first.lineage.note('me', 't', [['product:1', 5]]);
    await first.close();
    // As on a full disk: no other file can be written.
    mkdirSync(`${path}.new`);
    await assert.rejects(start(), /EISDIR/);
    assert.equal(existsSync(path), false);
    const open = readdirSync('/proc/self/fd').map((fd) => linkOf(`/proc/self/fd/${fd}`));
    assert.deepEqual(
      open.filter((file) => file.startsWith(path)),
      [],
    );
    rmdirSync(`${path}.new`);
    const third = await start();
    assert.equal(inherited(third.lineage, 'me', 't'), 'too-many');
  });

  it('a clean end in that time tells the next one, too', async (t) => {
    const { start } = processes(t);
    await start({ fresh: true });
    const second = await start();
    second.clock.advance(4 * MINUTE);
    await second.close();
    const third = await start();
    assert.equal(inherited(third.lineage, 'me', 'any'), 'too-many');
    third.clock.advance(7 * MINUTE);
    assert.deepEqual(inherited(third.lineage, 'me', 'any'), []);
  });

  it('is not asked for at a first start, and missing after one of which nobody knows how it ended', async (t) => {
    assert.deepEqual(inherited((await processes(t).start({ fresh: true })).lineage, 'me', 't'), []);
    assert.equal(inherited((await processes(t).start()).lineage, 'me', 't'), 'too-many');
    assert.deepEqual(
      inherited((await processes(t).start({ fresh: true, path: undefined })).lineage, 'me', 't'),
      [],
    );
    assert.equal(inherited((await processes(t).start({ path: undefined })).lineage, 'me', 't'), 'too-many');
  });

  it('is nothing where its file is damaged, or another version’s', async (t) => {
    const { path, start } = processes(t);
    await (await start({ fresh: true })).close();
    writeFileSync(path, 'damaged');
    assert.equal(inherited((await start()).lineage, 'me', 't'), 'too-many');
  });

  it('whose file cannot be used is an error, and one that cannot be written at the end is none', async (t) => {
    const { path, start } = processes(t);
    mkdirSync(path);
    await assert.rejects(start());
    const other = processes(t);
    const first = await other.start({ fresh: true });
    mkdirSync(`${other.path}.new`);
    await first.close();
    assert.equal(inherited((await other.start({ path: undefined })).lineage, 'me', 't'), 'too-many');
  });
});
