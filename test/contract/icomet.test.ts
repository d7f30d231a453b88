import { contract } from './suite.js';
import { icomet } from './wires/icomet.js';

for (const wire of icomet) contract(wire);
