/** Bad weather on the line: acts on every API request before it is looked at. The scenario and the books stay reachable. */
import { cutConnection, type PartyApp } from '../support/party-server.ts';
import type { Dialect } from './psp.ts';
import type { ScenarioBook } from './scenario-book.ts';

export function serveConnectionFaults(app: PartyApp, scenario: ScenarioBook, dialect: Dialect): void {
  app.use(async (c, next) => {
    const { mode } = scenario.current();
    if (c.req.path.startsWith('/_') || c.req.path === '/healthz') return next();
    if (mode === 'drop') return cutConnection(c);
    if (mode === 'outage' || mode === 'rate_limited') {
      const { status, body } = dialect.turnedAway(mode);
      return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
    }
    return next();
  });
}
