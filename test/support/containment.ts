import { Containment } from '#base/domain/contain';
import { recordedLogger } from './recorded-logger.ts';

/** A containment that keeps what it contained; `lines` are its lines of log. */
export function recordedContainment(): {
  contain: Containment;
  lines: ReturnType<typeof recordedLogger>['lines'];
  errors: number;
} {
  const logger = recordedLogger();
  const recorded = {
    contain: new Containment({ logger, counted: () => void recorded.errors++ }),
    lines: logger.lines,
    errors: 0,
  };
  return recorded;
}
