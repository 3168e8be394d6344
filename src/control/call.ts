import type { HeaderOf } from '../policy/access.ts';

/** A request to the control plane; its caller may make it. */
export interface Ask {
  /** As sent, without the query. */
  readonly path: string;
  /** Percent-decoded. */
  readonly query: URLSearchParams;
  readonly header: HeaderOf;
  /** The whole body. Rejects with `request_too_large` beyond `limit` bytes, a bound that `bound` names. */
  readonly readBody: (limit: number, bound: string) => Promise<Buffer>;
}

/** Answers a request, or throws a RepriseError. */
export type Handler = (ask: Ask) => Response | Promise<Response>;

/** What the control plane does at one path. */
export interface ControlCall {
  /** A path; with `/*` at its end all below it. */
  readonly path: string;
  /**
   * `everyone`: it needs no token, and is on the data port too where the control plane has its own. `visitor`: it needs none
   * either, but is only where the admin's calls are.
   */
  readonly who: 'everyone' | 'visitor' | 'admin';
  /** By method; GET answers HEAD, too. */
  readonly handlers: ReadonlyMap<string, Handler>;
}

/** A path of the control plane, and what it does with each method. */
export function controlCall(
  who: ControlCall['who'],
  path: string,
  handlers: Readonly<Record<string, Handler>>,
): ControlCall {
  return { path, who, handlers: new Map(Object.entries(handlers)) };
}

/** The same call, answered when `before` has resolved. */
export function once(before: () => Promise<void>, { handlers, ...call }: ControlCall): ControlCall {
  const waiting = [...handlers].map(([method, handle]): [string, Handler] => {
    return [method, (ask) => before().then(() => handle(ask))];
  });
  return { ...call, handlers: new Map(waiting) };
}

/** What stands in a path, as sent, behind its first `segments` segments, which may be percent-encoded in other ways than ours. */
export function behind(segments: number, path: string): string {
  return path
    .split('/')
    .slice(segments + 1)
    .join('/');
}
