import { contract } from './suite.js';
import { dps } from './wires/dps.js';

for (const wire of dps) contract(wire);
