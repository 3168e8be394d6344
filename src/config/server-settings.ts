import * as z from 'zod';
import { duration, list, section, size, text, whole } from './fields.ts';

/** The section `server`: where it listens, who may call, and how long it waits for its clients. */
export function server() {
  return section({
    host: text('a host name or an IP address', /^[A-Za-z0-9._:%-]+$/)
      .prefault('127.0.0.1')
      .describe('The address listened on. 0.0.0.0 is every one.'),
    port: whole(0, 65_535).prefault(8787).describe('The port listened on. 0 picks a free one.'),
    tls: section({
      cert: text(FILE).describe(
        'The certificate, and behind it those of its authorities: a PEM file, from where the server is started. With it the server speaks HTTPS, and nothing else.',
      ),
      key: text(FILE).describe(
        "The certificate's private key: a PEM file, from where the server is started.",
      ),
      passphrase: text('a passphrase').optional().describe('The passphrase of the key, if it has one.'),
    })
      .optional()
      .describe('The certificate of an HTTPS server.'),
    cors: section({
      origins: origins()
        .prefault([])
        .describe('The origins whose web pages may call, such as [https://shop.example]. "*" is every one.'),
    })
      .prefault({})
      .describe('Calls from web pages of other origins.'),
    max_body: size('positive')
      .prefault('50MB')
      .describe('Size of the largest request body that is read whole.'),
    max_bodies: size('positive')
      .optional()
      .describe(
        'Size of all request bodies together that are held at once; beyond it large ones are refused. If absent, a quarter of the memory of the machine or container.',
      ),
    max_entry: size('positive').prefault('16MB').describe('Size of the largest answer that is stored.'),
    timeouts: section({
      headers: duration('positive').prefault('1m').describe("Duration until a request's head is complete."),
      body: duration('positive').prefault('1m').describe('Duration between two pieces of a request body.'),
      write: duration('positive')
        .prefault('5m')
        .describe('Duration in which a client takes nothing of an answer that waits for it.'),
    })
      .prefault({})
      .describe('How long a client is waited for.'),
    workers: whole(1, 128)
      .prefault(1)
      .describe('Threads that answer requests, on one port and with one cache. 1 is the process itself.'),
    drain: duration().prefault('10s').describe('Duration that running answers get to finish at a stop.'),
  })
    .prefault({})
    .describe('The listener.');
}

const FILE = 'the path of a PEM file';

const ORIGINS_EXPECTED = '"*" or a list of origins, such as [https://shop.example]';

function origins() {
  const origin = z
    .string({ error: ORIGINS_EXPECTED })
    .refine((value) => value === '*' || isOrigin(value), { error: ORIGINS_EXPECTED });
  return z.codec(
    z.union([z.literal('*'), list(origin, ORIGINS_EXPECTED)], { error: ORIGINS_EXPECTED }),
    z.custom<readonly string[]>(Array.isArray),
    { decode: (given) => (given === '*' ? [given] : given), encode: (value) => value },
  );
}

/** Whether it is an origin as browsers write one (RFC 6454 §6.2): lower case, no default port, nothing behind the host. */
function isOrigin(value: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/\\?#@A-Z]+$/.test(value)) return false;
  return !/^https?:/.test(value) || (URL.canParse(value) && new URL(value).origin === value);
}
