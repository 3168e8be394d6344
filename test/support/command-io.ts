/** What a command writes to, and what it has written so far. */
export interface RecordedIo {
  readonly io: { readonly out: (text: string) => void; readonly err: (text: string) => void };
  readonly written: { readonly out: string; readonly err: string };
}

/** Records what a command that runs in this process writes. */
export function recordedIo(): RecordedIo {
  const written = { out: '', err: '' };
  return {
    io: {
      out: (text) => {
        written.out += text;
      },
      err: (text) => {
        written.err += text;
      },
    },
    written,
  };
}
