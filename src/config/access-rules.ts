import { SHARES } from './access-settings.ts';
import { oneOf } from './fields.ts';
import type { Finding } from './problems.ts';
import { valueAt } from './tree.ts';

/** What is wrong with `raw`, a whole profile's plain values, in who may ask: parts of one mode said in the other. */
export function checkAccess(raw: unknown, upstreams: readonly string[]): Finding[] {
  const gateway = valueAt(raw, ['access', 'mode']) === 'gateway';
  return [
    ...checkShare(valueAt(raw, ['access', 'share']), gateway ? 'gateway' : 'passthrough'),
    ...checkKeys(valueAt(raw, ['access', 'keys']), gateway),
    ...(gateway ? [] : upstreams.flatMap((name) => checkApiKey(raw, name))),
  ];
}

function checkShare(share: unknown, mode: keyof typeof SHARES): Finding[] {
  const known: readonly unknown[] = SHARES[mode];
  if (share === undefined || known.includes(share)) return [];
  return [
    { path: ['access', 'share'], expected: `${oneOf(SHARES[mode])}, which go with access.mode ${mode}` },
  ];
}

function checkKeys(raw: unknown, gateway: boolean): Finding[] {
  const keys: readonly unknown[] = Array.isArray(raw) ? raw : [];
  if (!gateway) {
    if (keys.length === 0) return [];
    return [{ path: ['access', 'keys'], expected: 'none, unless access.mode is gateway' }];
  }
  if (keys.length === 0) {
    return [{ path: ['access', 'keys'], expected: 'at least one key, of those that reprise key new makes' }];
  }
  return keys.flatMap((_key, index) => [
    ...checkTwice(keys, index, 'name'),
    ...checkTwice(keys, index, 'hash'),
  ]);
}

function checkTwice(keys: readonly unknown[], index: number, field: 'name' | 'hash'): Finding[] {
  const value = valueAt(keys[index], [field]);
  const first = keys.findIndex((key) => valueAt(key, [field]) === value);
  if (value === undefined || first === index) return [];
  return [
    {
      path: ['access', 'keys', index, field],
      expected: `a ${field} that no other key has, as access.keys[${first}] does`,
    },
  ];
}

function checkApiKey(raw: unknown, upstream: string): Finding[] {
  const path = ['upstreams', upstream, 'api_key'];
  if (valueAt(raw, path) === undefined) return [];
  return [
    {
      path,
      expected: 'none, unless access.mode is gateway: clients bring their own keys',
    },
  ];
}
