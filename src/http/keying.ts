import type { Plan } from '../endpoints/endpoint.ts';
import { createKeyring } from '../policy/key.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Asked } from './asked.ts';
import type { KnownRequest } from './head-bytes.ts';
import type { OfHead } from './of-head.ts';

/** What a request asks, and where, beside its plan. */
interface Target extends Pick<KnownRequest, 'query' | 'rawHeaders'> {
  readonly method: string;
  readonly upstream: Upstream;
  readonly path: string;
}

/** What makes the keys of a plan's parts in a scope: those of the last one need not be made again. */
export function keying(
  plan: Plan,
  said: OfHead,
  { method, upstream, path, query, rawHeaders }: Target,
): Asked['keysFor'] {
  const { shaping, type, label, parts } = plan;
  const { namespace, variant } = said.directives;
  const { baseUrl, dialect } = upstream;
  const unscoped = {
    type,
    namespace,
    variant,
    method,
    baseUrl,
    dialect,
    path,
    query: shaping?.query ?? query,
    headers: shaping?.headers ?? said.shaping(dialect, rawHeaders),
  };
  return rememberingOne((scope) => {
    const make = () => createKeyring({ ...unscoped, scope });
    // What a plan says itself of query and headers may depend on more than the head.
    const keyring = shaping === undefined ? said.keyring({ upstream, type, scope }, make) : make();
    return parts.map((part) => keyring(label, part.content));
  });
}

/** The function, which need not find out again what it was asked last. */
function rememberingOne<T>(find: (of: string) => T): (of: string) => T {
  let last: { readonly of: string; readonly found: T } | undefined;
  return (of) => {
    if (last?.of !== of) last = { of, found: find(of) };
    return last.found;
  };
}
