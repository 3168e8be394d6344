import { capacity } from './capacity.ts';
import type { Adviser } from './finding.ts';
import { emptyInvalidations } from './invalidation.ts';
import { noisyKeys } from './keys.ts';
import { lifetime } from './lifetime.ts';
import { starvingNamespace } from './namespaces.ts';
import { hotKey, oneHitEntries } from './one-hit.ts';
import { unusedTags } from './tags.ts';
import { compression, slowDisk } from './tiers.ts';
import { bypassed, unstored } from './uncacheable.ts';

/** All there is to advise on. */
export const ADVISERS: readonly Adviser[] = [
  noisyKeys,
  lifetime,
  capacity,
  oneHitEntries,
  bypassed,
  unstored,
  emptyInvalidations,
  unusedTags,
  compression,
  slowDisk,
  starvingNamespace,
  hotKey,
];
