/** A game studio as a process of its own, speaking Hub88's supplier side: it calls the wallet, and answers for its games and rounds. */
import { createDueWork, type DueWork } from '../support/due-work.ts';
import { optionalVariable, portVariable, requiredVariable } from '../support/environment.ts';
import { createLog } from '../support/json-log.ts';
import { createPartyApp, serveParty } from '../support/party-server.ts';
import { openStateStore } from '../support/state-store.ts';
import { serveGamePage } from './game-page.ts';
import { readPrivateKey, readPublicKey } from './hub88-signature.ts';
import { serveOperatorApi } from './operator-api.ts';
import { createPlayReport } from './play-report.ts';
import { createRoundBook, studioTables } from './round-book.ts';
import { readHabits, serveStudioScenario } from './studio-scenario.ts';
import { createWalletCalls } from './wallet-calls.ts';
import { createWalletClient } from './wallet-client.ts';

const log = createLog('game-studio');
const store = openStateStore(requiredVariable('STATE_DIR'), 'game-studio.sqlite', studioTables);
const book = createRoundBook(store);
const habits = { current: readHabits(store) };
let publicUrl = optionalVariable('PUBLIC_URL', '').replace(/\/$/, '');

const client = createWalletClient(
  requiredVariable('OPERATOR_WALLET_URL'),
  readPrivateKey(requiredVariable('PRIVATE_KEY')),
);
const calls = createWalletCalls({
  book,
  habits: () => habits.current,
  due: (): DueWork => due,
  client: async (path, body, options) => {
    const answer = await client(path, body, options);
    log('wallet_call', { path, http: answer.http, status: answer.status, ms: answer.ms });
    return answer;
  },
});
const due = createDueWork(
  store,
  {
    settle: (uuid) => calls.settle(uuid, createPlayReport()),
    abandon: (round) => calls.abandon(round, createPlayReport()),
  },
  log,
);

const app = createPartyApp(log);
serveOperatorApi(app, {
  book,
  operatorKey: readPublicKey(requiredVariable('OPERATOR_PUBLIC_KEY')),
  operatorId: requiredVariable('OPERATOR_ID'),
  publicUrl: () => publicUrl,
});
serveGamePage(app, { book, calls });
serveStudioScenario(app, { store, book, calls, habits });

const server = await serveParty(app, portVariable(), log, () => {
  due.stop();
  store.close();
});
if (publicUrl === '') publicUrl = `http://127.0.0.1:${server.port}`;
for (const round of book.rounds('open', 1000)) due.schedule('abandon', round.id, 0);
due.start();
