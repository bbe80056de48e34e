/** The same random histories in every run, so that a score can be repeated; a failure is one, whatever its smallest form. */
import fc from 'fast-check';

fc.configureGlobal({ seed: 20_261_125, endOnFailure: true });
