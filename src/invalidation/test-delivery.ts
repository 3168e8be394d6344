import { readPayload } from './payload.ts';
import type { Draft, SignedDraft } from './schemes/scheme.ts';
import { SCHEMES } from './schemes/table.ts';
import type { WebhookSettings } from './webhooks.ts';

/**
 * Makes a delivery as the sender of a webhook would. Throws an error that says why where the profile has nothing to sign with,
 * or the payload cannot be read or names another event.
 */
export function signTest({ scheme: name, ...settings }: WebhookSettings, draft: Draft): SignedDraft {
  const scheme = SCHEMES[name](settings, () => Promise.reject(new Error('nothing is verified here')));
  const signed = scheme.sign(draft);
  if (signed === undefined) throw new Error('The profile has no secret to sign with: only the sender has.');
  const headers = new Map(signed.headers);
  const body = Buffer.from(signed.body);
  const said = scheme.event({ header: (header) => headers.get(header), body }, readPayload(body));
  if (said === undefined)
    throw new Error(
      `The payload has no text at ${settings.event?.json ?? 'the place'}, where this webhook reads the event.`,
    );
  if (said !== '' && said !== draft.event)
    throw new Error(`The payload names the event ${said}, not ${draft.event}.`);
  return signed;
}
