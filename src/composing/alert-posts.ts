import { hostname } from 'node:os';
import type { Settings } from '../config/schema.ts';
import { standard } from '../invalidation/schemes/standard.ts';
import { AlertPosts } from '../observe/alert-posts.ts';
import type { Events } from '../observe/events.ts';
import type { Clock } from '../shared/clock.ts';
import { post } from '../upstream/post.ts';

/** What posting alerts takes. */
export interface AlertPostsContext {
  readonly settings: Settings;
  /** The machine's: receivers compare it with their own. */
  readonly wallClock: Clock;
  readonly events: Events;
  readonly env: NodeJS.ProcessEnv;
}

/** Posts alerts where the settings say; undefined where they say nowhere. Signed as Standard Webhooks are, by the scheme that verifies such. */
export function openAlertPosts({
  settings,
  wallClock,
  events,
  env,
}: AlertPostsContext): AlertPosts | undefined {
  const { url, secret } = settings.alerts;
  if (url === undefined || secret === undefined) return undefined;
  const scheme = standard({ secret: [secret] });
  return new AlertPosts({
    clock: wallClock,
    events,
    host: hostname(),
    async send(draft, signal) {
      const signed = scheme.sign(draft);
      if (signed === undefined) throw new Error('alerts.secret is no secret');
      const headers = [
        ['content-type', 'application/json'],
        ['user-agent', 'reprise'],
        ...signed.headers,
      ] as const;
      return await post({ url, headers, body: signed.body }, signal, env);
    },
  });
}
