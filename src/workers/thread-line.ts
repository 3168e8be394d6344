import type { MessagePort } from 'node:worker_threads';
import type { FollowerLine, FromFollower, FromOwner, OwnerLine, ThreadLine } from '../http/other-threads.ts';
import type { Settled } from '../http/settled.ts';
import { type ErrorCode, RepriseError } from '../shared/errors.ts';
import { type Parcel, pack, unpack } from './parcel.ts';

/** The owner's end of a line over this port. */
export function ownerLine(port: MessagePort): OwnerLine {
  return lineOver<FromOwner, FromFollower, FromFollower>(port, sent, (heard) => heard);
}

/** The end of the one that follows. */
export function followerLine(port: MessagePort): FollowerLine {
  return lineOver<FromFollower, FromOwner, Sent>(port, (said) => [said], received);
}

function lineOver<Said, Heard, Message>(
  port: MessagePort,
  write: (said: Said) => readonly [message: unknown, bytes?: ArrayBuffer],
  read: (message: Message) => Heard,
): ThreadLine<Said, Heard> {
  let isClosed = false;
  let onClosed: (() => void) | undefined;
  port.on('close', () => {
    isClosed = true;
    onClosed?.();
  });
  return {
    say(said) {
      if (isClosed) return;
      const [message, bytes] = write(said);
      port.postMessage(message, bytes === undefined ? [] : [bytes]);
    },
    listen(hear, hungUp) {
      if (isClosed) return hungUp();
      onClosed = hungUp;
      port.on('message', (message: Message) => hear(read(message)));
      // Who is served keeps a thread alive, and not what it is served from.
      port.unref();
    },
    hangUp: () => port.close(),
  };
}

/** What an owner says, in values that can be sent: entries are packed, and of errors there is what people are told. */
type Sent =
  | Exclude<FromOwner, { readonly kind: 'chunk' | 'settled' | 'broken' }>
  | { readonly kind: 'chunk'; readonly chunk: Uint8Array }
  | { readonly kind: 'settled'; readonly settled: SentSettled; readonly parcel?: Parcel }
  | { readonly kind: 'broken'; readonly error: SentError };
type SentSettled =
  | Omit<Extract<Settled, { readonly kind: 'entries' }>, 'entries'>
  | Extract<Settled, { readonly kind: 'answer' }>
  | { readonly kind: 'failed'; readonly error: SentError };
interface SentError {
  readonly code: ErrorCode;
  readonly message: string;
}

function sent(said: FromOwner): readonly [message: Sent, bytes?: ArrayBuffer] {
  if (said.kind === 'broken') return [{ kind: 'broken', error: errorToSend(said.error) }];
  if (said.kind !== 'settled') return [said];
  const { settled } = said;
  if (settled.kind === 'answer') return [{ kind: 'settled', settled }];
  if (settled.kind === 'failed')
    return [{ kind: 'settled', settled: { kind: 'failed', error: errorToSend(settled.error) } }];
  const { entries, ...rest } = settled;
  const parcel = pack(entries);
  return [{ kind: 'settled', settled: rest, parcel }, parcel.bytes];
}

function received(message: Sent): FromOwner {
  switch (message.kind) {
    case 'chunk':
      return { kind: 'chunk', chunk: Buffer.from(message.chunk.buffer) };
    case 'broken':
      return { kind: 'broken', error: errorFrom(message.error) };
    case 'settled':
      return { kind: 'settled', settled: settledFrom(message.settled, message.parcel) };
    default:
      return message;
  }
}

function settledFrom(settled: SentSettled, parcel: Parcel | undefined): Settled {
  switch (settled.kind) {
    case 'entries':
      return { ...settled, entries: parcel === undefined ? [] : unpack(parcel) };
    case 'failed':
      return { kind: 'failed', error: errorFrom(settled.error) };
    case 'answer':
      return settled;
  }
}

function errorToSend({ code, message }: RepriseError): SentError {
  return { code, message };
}

function errorFrom({ code, message }: SentError): RepriseError {
  return new RepriseError(code, message);
}
