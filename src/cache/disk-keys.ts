import { setImmediate as turn } from 'node:timers/promises';
import type { DiskIndex } from './disk-index.ts';
import type { Engine } from './leveldb.ts';
import type { Listed } from './listed.ts';
import { fromStubRecord, idOf } from './record.ts';

/*
 * Under each digest lie two records: the whole one, and a stub of a few bytes from which the index is rebuilt without
 * reading the whole ones. Keys are hashes, never times: LevelDB keeps several times more dead bytes under ordered keys
 * (measured: 5.6 against 2.3 times the live bytes).
 */
const RECORD = 0x76;
const STUB = 0x6d;
/** Stubs taken in before other work gets a turn. */
const SLICE = 1_000;

/** Where the record of `digest` lies. */
export function recordKey(digest: Uint8Array): Buffer {
  return keyOf(RECORD, digest);
}

/** Where the stub of `digest` lies. */
export function stubKey(digest: Uint8Array): Buffer {
  return keyOf(STUB, digest);
}

/**
 * Fills `index` with what lies on the disk at `now`, in slices. `onLoaded` is told of each record that is not dead, `onDamaged` the id of
 * each stub that cannot be read.
 */
export async function loadIndex(
  engine: Engine,
  index: DiskIndex,
  { now, isDead }: { readonly now: number; readonly isDead: (listed: Listed) => boolean },
  onLoaded: (listed: Listed) => void,
  onDamaged: (id: string) => void,
): Promise<void> {
  for await (const slice of engine.scan(Buffer.of(STUB), Buffer.of(STUB + 1), SLICE)) {
    for (const [key, value] of slice) {
      const digest = key.subarray(1);
      const id = idOf(digest);
      const stub = fromStubRecord(value, id, digest);
      if (stub === undefined) {
        onDamaged(id);
        continue;
      }
      // Born in the future, it would otherwise come to life when the clock gets there.
      const over = isDead(stub.listed);
      const listed = over ? { ...stub.listed, keepUntil: now } : stub.listed;
      if (index.load(id, { ...stub, listed }) && !over) onLoaded(listed);
    }
    await turn();
  }
  index.loaded();
}

/** The ids of records without a stub: damage took it, or half of a batch. */
export async function findOrphans(
  engine: Engine,
  index: DiskIndex,
  onOrphan: (id: string) => void,
): Promise<void> {
  for await (const slice of engine.keys(Buffer.of(RECORD), Buffer.of(RECORD + 1), SLICE)) {
    for (const key of slice) {
      const id = idOf(key.subarray(1));
      if (!index.mayHold(id)) onOrphan(id);
    }
    await turn();
  }
}

function keyOf(prefix: number, digest: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(1 + digest.length);
  key[0] = prefix;
  key.set(digest, 1);
  return key;
}
