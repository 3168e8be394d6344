/**
 * The version of everything that is shared: records, the table of announcements and what is said on channels. Instances of another one
 * use other keys, and so share nothing with these.
 */
export const WIRE = 2;

/** The names under which everything lies in Redis. */
export interface RedisKeys {
  /** The life of the table and its last number; the announcements; what was handed over of an earlier life; the instances. */
  readonly state: string;
  readonly marks: string;
  readonly handed: (epoch: string) => string;
  readonly instances: string;
  /** The install secret of them all. */
  readonly secret: string;
  /** Where announcements are told, and where it is told that they are applied. */
  readonly channel: string;
  readonly acks: string;
  /** What the keys of all entries begin with, in one life of the table. */
  readonly entries: (epoch: string) => string;
  readonly lease: (id: string) => string;
  /** What was told to a trace, in one life of the table; and all such keys by when they were told something last. */
  readonly trace: (epoch: string, id: string) => string;
  readonly traces: string;
}

/**
 * The names below `prefix`. In a cluster what scripts touch together lies together, by the name in braces; entries lie everywhere.
 * Channels are the same in all databases of a server (https://redis.io/docs/latest/develop/pubsub/): theirs name the `database`.
 */
export function redisKeys(prefix: string, database = 0): RedisKeys {
  const root = `${prefix}:${WIRE}`;
  return {
    state: `{${root}}:state`,
    marks: `{${root}}:marks`,
    handed: (epoch) => `{${root}}:handed:${epoch}`,
    instances: `{${root}}:instances`,
    secret: `{${root}}:secret`,
    channel: `${root}:announced:${database}`,
    acks: `${root}:applied:${database}`,
    entries: (epoch) => `${root}:entry:${epoch}:`,
    lease: (id) => `${root}:lease:${id}`,
    trace: (epoch, id) => `{${root}}:trace:${epoch}:${id}`,
    traces: `{${root}}:traces`,
  };
}
