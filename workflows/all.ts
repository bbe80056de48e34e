/** The bundler's entry: every workflow of the platform, and the table of contents of the business. */
export { bonusAward } from './bonus-award.ts';
export { round } from './round.ts';
