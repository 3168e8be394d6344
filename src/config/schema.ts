import type * as z from 'zod';
import { access } from './access-settings.ts';
import { alerts } from './alert-settings.ts';
import { choice, duration, section, size, text, toggle, whole } from './fields.ts';
import { prices } from './price-settings.ts';
import { redis } from './redis-settings.ts';
import { routes } from './route-settings.ts';
import { server } from './server-settings.ts';
import { types } from './type-settings.ts';
import { upstreams } from './upstream-settings.ts';
import { webhooks } from './webhook-settings.ts';

/** Every setting, checked: durations in milliseconds, sizes in bytes, names of the user's own as maps. */
export type Settings = z.output<typeof settingsSchema>;

/**
 * The one source of settings: types, defaults, descriptions, and the JSON Schema. `parse` turns a profile's plain values
 * into {@link Settings}, `z.encode` turns them back into values that a profile can hold.
 */
export const settingsSchema = section({
  server: server(),
  memory: section({
    max_entries: whole(1).prefault(500).describe('The most entries kept in memory (L1).'),
    max_bytes: size('positive').prefault('256MB').describe('The most bytes kept in memory (L1).'),
    plans: size()
      .prefault('32MB')
      .describe(
        'The most bytes kept of requests that came lately: one that comes again byte for byte is not read anew. 0 keeps none.',
      ),
  })
    .prefault({})
    .describe('L1, the cache in memory.'),
  disk: section({
    path: text('the path of a folder')
      .prefault('./data')
      .describe('The folder of L2, from where the server is started.'),
    max_bytes: size().prefault('200MB').describe('The most bytes kept on disk (L2). 0 runs without L2.'),
    compression: choice(['none', 'gzip', 'zstd'])
      .prefault('none')
      .describe('How records on disk are compressed.'),
  })
    .prefault({})
    .describe('L2, the cache on disk.'),
  redis: redis(),
  sweep_every: duration('positive')
    .prefault('5m')
    .describe('Duration between two sweeps of expired entries.'),
  types: types(),
  upstreams: upstreams(),
  routes: routes(),
  webhooks: webhooks(),
  access: access(),
  admin: section({
    port: whole(0, 65_535)
      .optional()
      .describe(
        'The port of the control plane, at the address of server.host; 0 picks a free one. If absent it is server.port. If it has its own, server.port has only the API, routes, webhooks and health.',
      ),
    token_required: toggle()
      .prefault(false)
      .describe(
        'Whether the server refuses to start without REPRISE_ADMIN_TOKEN. Without one the control plane answers this machine alone.',
      ),
  })
    .prefault({})
    .describe('The control plane.'),
  log: section({
    level: choice(['debug', 'info', 'warn', 'error', 'silent'])
      .prefault('info')
      .describe('The least that is logged.'),
    format: choice(['auto', 'json', 'text'])
      .prefault('auto')
      .describe('The form of a line. auto: text on a terminal, else json.'),
    requests: toggle().prefault(true).describe('Whether every request has a line, at level info.'),
  })
    .prefault({})
    .describe('The log.'),
  alerts: alerts(),
  prices: prices(),
});
