import { readFileSync } from 'node:fs';
import type { Settings } from '../config/schema.ts';
import type { Certificate } from '../http/listener.ts';

/** The certificate of an HTTPS server; undefined for a plain one. Throws if a file cannot be read. */
export function certificateOf({ server: { tls } }: Settings): Certificate | undefined {
  return tls && { cert: readFileSync(tls.cert), key: readFileSync(tls.key), passphrase: tls.passphrase };
}
