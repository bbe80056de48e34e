/** The wallet doors alone, without the application around them: what tests of one dialect need, and nothing else. */
import { pino } from 'pino';
import { bodyBytesMax } from '#api/app.ts';
import type { ApiDeps } from '#api/context.ts';
import { createWalletDoors } from '#api/wallet-doors.ts';
import { answerRequest } from '#api/wallet-fronts.ts';
import type { Database } from '#db/connect.ts';
import { createMetrics } from '#workers/metrics.ts';
import { testKeyRing } from './integrations.ts';

export type DoorRequests = { request(path: string, init: RequestInit): Promise<Response> };

/** Doors of all dialects that say nothing to any log. */
export function openDoors(db: Database, wallet: ApiDeps['wallet']): DoorRequests {
  const deps = {
    config: { api: { trustedProxies: [] } },
    playDb: db,
    db,
    wallet,
    keyRing: testKeyRing,
    log: pino({ level: 'silent' }),
    metrics: createMetrics(),
  } as unknown as ApiDeps;
  const doors = createWalletDoors(deps, bodyBytesMax);
  return { request: (path, init) => answerRequest(doors, new Request(`http://pitboss${path}`, init)) };
}
