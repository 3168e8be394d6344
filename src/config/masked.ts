import type { Finding } from './problems.ts';
import { HIDDEN, isSecret } from './secrets.ts';
import type { Path, Tree } from './tree.ts';

/**
 * What stands in the place of a secret where settings are printed, in settings that are read: whoever knows how they are
 * printed would know it.
 */
export function maskedIn(tree: Tree, path: Path = []): Finding[] {
  if (tree.kind === 'map')
    return [...tree.entries].flatMap(([key, value]) => maskedIn(value, [...path, key]));
  if (tree.kind === 'list') return tree.items.flatMap((item, at) => maskedIn(item, [...path, at]));
  if (tree.kind !== 'scalar' || typeof tree.value !== 'string') return [];
  const isMasked = isSecret(path) ? tree.value === HIDDEN : tree.value.includes(`//${HIDDEN}@`);
  return isMasked ? [{ path, got: GOT, expected: EXPECTED }] : [];
}

const GOT = `the "${HIDDEN}" that reprise config prints in the place of a secret`;
const EXPECTED = 'the secret itself, or the variable of the environment that holds it';
