import { createHash } from 'node:crypto';
import type { Answered } from '../../src/observe/events.ts';
import { shownKey } from '../../src/shared/shown-key.ts';

/** The key of type `type` that a test calls `name`. */
export function keyNamed(name: string, type = 'products') {
  const id = createHash('sha256').update(name).digest('base64url');
  return { id, type, shown: shownKey({ type, namespace: 'default', label: 'm' }, id) };
}

/** An answer from the cache to a request for a key, as those who watch are told of it. */
export function answered(name: string, more: Partial<Answered> = {}): Answered {
  const key = keyNamed(name);
  return {
    kind: 'answered',
    endpoint: 'product',
    type: 'products',
    upstream: 'default',
    model: 'm',
    namespace: '',
    method: 'GET',
    status: 200,
    outcome: 'HIT',
    reason: undefined,
    level: 'l1',
    key: key.shown,
    keys: [key],
    parts: { hits: 1, total: 1 },
    usage: undefined,
    spared: undefined,
    ms: 1,
    headMs: 1,
    requestId: 'req_1',
    ...more,
  };
}
