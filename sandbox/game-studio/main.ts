/** A game studio as a process of its own: it calls the operator's wallet in four dialects, and answers for its games and rounds. */
import { createDueWork, type DueWork } from '../support/due-work.ts';
import { optionalVariable, portVariable, requiredVariable } from '../support/environment.ts';
import { createLog } from '../support/json-log.ts';
import { createPartyApp, serveParty } from '../support/party-server.ts';
import { openStateStore } from '../support/state-store.ts';
import { serveA8rV1Operator, serveA8rV2Operator } from './a8r-operator-api.ts';
import { createFreeRoundsBook, freeRoundTables } from './free-rounds-book.ts';
import { serveGamePage } from './game-page.ts';
import { caletaSignatureHeader, signatureHeader } from './hub88-signature.ts';
import { createPlayReport } from './play-report.ts';
import { createRoundBook, studioTables } from './round-book.ts';
import { serveRsOperatorApi } from './rs-operator-api.ts';
import { readSpokenWires } from './spoken-wires.ts';
import { readHabits, serveStudioScenario } from './studio-scenario.ts';
import { createWalletCalls } from './wallet-calls.ts';
import { callWallet } from './wallet-client.ts';

const log = createLog('game-studio');
const store = openStateStore(
  requiredVariable('STATE_DIR'),
  'game-studio.sqlite',
  studioTables + freeRoundTables,
);
const book = createRoundBook(store);
const freeRounds = createFreeRoundsBook(store);
const habits = { current: readHabits(store) };
const operatorId = requiredVariable('OPERATOR_ID');
const { wires, operatorKey, a8rTokens } = readSpokenWires();
let givenUrl = optionalVariable('PUBLIC_URL', '').replace(/\/$/, '');
const publicUrl = () => givenUrl;

const calls = createWalletCalls({
  book,
  wires,
  habits: () => habits.current,
  due: (): DueWork => due,
  client: async (wire, request, options) => {
    const answer = await callWallet(wire, request, options);
    log('wallet_call', {
      dialect: wire.name,
      path: request.path,
      http: answer.http,
      status: answer.status,
      ms: answer.ms,
    });
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
const rs = { book, freeRounds, operatorKey, operatorId, publicUrl };
serveRsOperatorApi(app, {
  ...rs,
  dialect: 'hub88',
  header: signatureHeader,
  bases: ['/operator/generic/v2'],
});
if (wires.has('caleta')) {
  serveRsOperatorApi(app, {
    ...rs,
    dialect: 'caleta',
    header: caletaSignatureHeader,
    bases: ['/caleta/operator/generic/v2', '/caleta/api'],
  });
}
const a8r = { book, freeRounds, casinoId: operatorId, publicUrl };
if (a8rTokens['a8r-v2'] !== undefined) serveA8rV2Operator(app, { ...a8r, token: a8rTokens['a8r-v2'] });
if (a8rTokens['a8r-v1'] !== undefined) serveA8rV1Operator(app, { ...a8r, token: a8rTokens['a8r-v1'] });
serveGamePage(app, { book, calls });
serveStudioScenario(app, { store, book, freeRounds, calls, habits });

const server = await serveParty(app, portVariable(), log, () => {
  due.stop();
  store.close();
});
if (givenUrl === '') givenUrl = `http://127.0.0.1:${server.port}`;
for (const round of book.rounds('open', 1000))
  if (wires.has(round.dialect)) due.schedule('abandon', round.id, 0);
due.start();
