/** The steering wheel for tests and demos: /_scenario and what it can force to happen at once. */
import { z } from 'zod';
import type { PartyApp } from '../support/party-server.ts';
import type { WebhookQueue } from '../support/webhook-queue.ts';
import { behaviours } from './behaviours.ts';
import { magicCards } from './magic-cards.ts';
import type { ScenarioBook } from './scenario-book.ts';
import { refuseOrder, scenarioSchema } from './scenario.schema.ts';

interface ScenarioApiParts {
  scenario: ScenarioBook;
  webhooks: WebhookQueue;
  refuseConnections: (durationMs: number) => void;
}

export function serveScenario(
  app: PartyApp,
  { scenario, webhooks, refuseConnections }: ScenarioApiParts,
): void {
  app.get('/_scenario', (c) => c.json(scenario.current()));

  /** Replaces the whole scenario: an empty object is fair weather. */
  app.put('/_scenario', async (c) => {
    const parsed = scenarioSchema.safeParse(await c.req.json());
    if (!parsed.success) return c.json({ error: z.prettifyError(parsed.error) }, 400);
    scenario.set(parsed.data);
    return c.json(parsed.data);
  });

  app.get('/_scenario/cards', (c) => c.json({ cards: magicCards, behaviours: Object.keys(behaviours) }));

  app.post('/_scenario/refuse', async (c) => {
    const parsed = refuseOrder.safeParse(await c.req.json());
    if (!parsed.success) return c.json({ error: z.prettifyError(parsed.error) }, 400);
    refuseConnections(parsed.data.durationMs);
    return c.json(parsed.data);
  });

  app.get('/_scenario/webhooks', (c) => c.json(webhooks.deliveries()));
  app.post('/_scenario/webhooks/resend', (c) => c.json({ resent: webhooks.resendUndelivered() }));
}
