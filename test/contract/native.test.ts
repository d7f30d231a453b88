import { contract } from './suite.js';
import { nativeWebSocket } from './wires/native.js';

contract(nativeWebSocket);
