import type { Events } from '../observe/events.ts';
import type { AuditLog } from './audit-log.ts';

/** The same log, of whose every record those who watch are told. */
export function told(audit: AuditLog, events: Events): AuditLog {
  return {
    latest: (limit) => audit.latest(limit),
    record(record) {
      audit.record(record);
      const { id, by, mode, matched, condition } = record;
      const tags = condition.tags ?? [];
      events.emit({ kind: 'invalidated', id, by, mode, dryRun: record.dry_run, matched, tags });
    },
  };
}
