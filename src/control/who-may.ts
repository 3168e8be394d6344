import type { AdminToken } from '../policy/admin-token.ts';
import { RepriseError } from '../shared/errors.ts';

/** What of a request tells who sends it. */
export interface Asker {
  /** The address at the other end of the connection; undefined where there is none. */
  readonly peer: string | undefined;
  /** Our own port, as the connection has it. */
  readonly port: number | undefined;
  /** Whether the connection is encrypted. */
  readonly secure: boolean;
  /** Headers by lower-case name, each line a value. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
}

/**
 * Throws `unauthorized` unless the asker may use the control plane. Where there is an admin token, who has it may. Where there
 * is none, programs and pages of this machine may: a request from its own loopback address that no proxy has forwarded,
 * that names us as its host (a page whose name was rebound to our address names itself), and that no other site's page sent.
 */
export function checkAsker(asker: Asker, token: AdminToken | undefined): void {
  const why = token === undefined ? whyNotLocal(asker) : whyNotToken(asker, token);
  if (why !== undefined) throw new RepriseError('unauthorized', why, { param: 'authorization' });
}

function whyNotToken({ headers }: Asker, token: AdminToken): string | undefined {
  const [line, ...more] = headers.authorization ?? [];
  const presented = /^bearer +(\S+) *$/i.exec(line ?? '')?.[1];
  if (presented !== undefined && more.length === 0 && token.is(presented)) return undefined;
  const fault = line === undefined ? 'There is no admin token' : 'The admin token is not the right one';
  return `${fault}. Send the REPRISE_ADMIN_TOKEN of the server as "authorization: Bearer TOKEN".`;
}

function whyNotLocal(asker: Asker): string | undefined {
  const fault = foreign(asker);
  if (fault === undefined) return undefined;
  return `Without an admin token the control plane is for this machine alone, and ${fault}. Start the server with REPRISE_ADMIN_TOKEN set, and send that as "authorization: Bearer TOKEN".`;
}

function foreign({ peer, port, secure, headers }: Asker): string | undefined {
  if (peer === undefined || !LOOPBACK.test(peer)) return 'the request comes from elsewhere';
  const forwarded = Object.keys(headers).find((name) => FORWARDED.test(name));
  if (forwarded !== undefined) return `the request has passed a proxy (it has the header ${forwarded})`;
  const [host = '', ...hosts] = headers.host ?? [];
  if (hosts.length > 0 || !isOurs(host, port, secure)) {
    return `the request is for the host ${JSON.stringify(host.slice(0, 120))}, not for localhost, 127.0.0.1 or [::1] with the port of this server`;
  }
  const own = `${secure ? 'https' : 'http'}://${host}`.toLowerCase();
  if (!says(headers.origin, (origin) => origin.toLowerCase() === own)) return ELSEWHERE;
  if (!says(headers['sec-fetch-site'], (site) => site === 'same-origin' || site === 'none')) return ELSEWHERE;
  return undefined;
}

const ELSEWHERE = 'the request comes from a page of another site';

/** All of 127.0.0.0/8 (RFC 1122 §3.2.1.3), also as IPv4-mapped IPv6, and ::1. */
const LOOPBACK = /^(?:(?:::ffff:)?127(?:\.\d{1,3}){3}|::1)$/i;

const FORWARDED = /^(?:forwarded|x-forwarded-.*|x-real-ip|via|cf-connecting-ip)$/;

function isOurs(host: string, port: number | undefined, secure: boolean): boolean {
  const [, said] = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?$/i.exec(host) ?? [host, ''];
  if (said === '') return false;
  return Number(said ?? (secure ? 443 : 80)) === port;
}

/** Whether every line of a header, if there is any, is what it may be. */
function says(lines: readonly string[] | undefined, may: (line: string) => boolean): boolean {
  return lines?.every(may) ?? true;
}
