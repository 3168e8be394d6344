import type { Settings } from '../config/schema.ts';
import { credentialHeaders } from '../openai/credential-headers.ts';
import type { Clock } from '../shared/clock.ts';
import { createUpstream, type Upstream, type UpstreamInCommon } from '../upstream/upstream.ts';

/** The upstreams of the settings. */
export interface Upstreams {
  readonly byName: ReadonlyMap<string, Upstream>;
  readonly fallback: Upstream;
}

/**
 * Makes the upstreams, by name and in file order. In gateway mode each has the operator's own key. `inCommon` says what each has
 * in common with those of other threads.
 */
export function upstreamsOf(
  settings: Settings,
  clock: Clock,
  env: NodeJS.ProcessEnv,
  inCommon?: (name: string) => UpstreamInCommon,
): Upstreams {
  const gateway = settings.access.mode === 'gateway';
  const byName = new Map<string, Upstream>();
  for (const [name, options] of settings.upstreams) {
    const credential = gateway ? credentialHeaders(options.dialect, options.api_key) : undefined;
    byName.set(name, createUpstream(name, { ...options, credential }, clock, env, inCommon?.(name)));
  }
  const fallback = byName.get('default');
  if (fallback === undefined) throw new Error('the settings name no upstream "default"');
  return { byName, fallback };
}
