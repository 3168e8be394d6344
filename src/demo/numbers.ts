/** `1,234`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Milliseconds as `4.2` below ten, `1,234` above, `–` for NaN. */
export function millis(value: number): string {
  if (Number.isNaN(value)) return '–';
  return value < 10 ? value.toFixed(1) : count(value);
}

/** Milliseconds as seconds, `12.3 s`, or as minutes from two of them on, `14 min`. */
export function duration(ms: number): string {
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${count(ms / 60_000)} min`;
}

/** `86.3 %`; `–` for NaN. */
export function percent(value: number): string {
  return Number.isNaN(value) ? '–' : `${value.toFixed(1)} %`;
}

/** `$0.0123`: four digits, for single embeddings cost next to nothing. */
export function dollars(usd: number): string {
  return `$${usd.toFixed(4)}`;
}
