import { parseRedisUrl, REDIS_URL_EXPECTED } from '../shared/redis-address.ts';
import { choice, duration, section, size, text, toggle } from './fields.ts';

/** The section `redis`: what instances share. */
export function redis() {
  return section({
    url: text(REDIS_URL_EXPECTED)
      .refine((url) => parseRedisUrl(url) !== undefined, { error: REDIS_URL_EXPECTED })
      .optional()
      .describe(
        'The Redis or Valkey that instances share; absent: none. redis://, rediss:// (TLS), redis+cluster://, redis+sentinel:// (also with rediss) or unix://.',
      ),
    prefix: text('letters, digits, and . _ : -', /^[A-Za-z0-9._:-]{1,64}$/)
      .prefault('reprise')
      .describe(
        'What every key begins with. Instances with the same prefix share entries and invalidations.',
      ),
    timeout: duration('positive').prefault('50ms').describe('The longest that a request waits for Redis.'),
    max_entry: size('positive')
      .prefault('1MB')
      .describe(
        'Size of the largest record that is shared; larger ones are kept by each instance for itself.',
      ),
    compression: choice(['none', 'gzip', 'zstd'])
      .prefault('none')
      .describe('How records in Redis are compressed.'),
    lease_wait: duration()
      .prefault('30s')
      .describe(
        'The longest that a request for JSON waits for what another instance is fetching already, before it asks the upstream itself.',
      ),
    required: toggle()
      .prefault(false)
      .describe(
        'Whether the server refuses to start without Redis, and is not ready while it cannot be reached. If not, it goes on alone.',
      ),
  })
    .prefault({})
    .describe('L3, the cache that instances share.');
}
