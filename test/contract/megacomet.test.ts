import { contract } from './suite.js';
import { megacomet } from './wires/megacomet.js';

contract(megacomet);
