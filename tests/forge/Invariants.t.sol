// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Bridge} from "../../contracts/core/Bridge.sol";
import {L1Queue} from "../../contracts/core/L1Queue.sol";
import {Rollup} from "../../contracts/core/Rollup.sol";
import {TestToken} from "../../contracts/mocks/TestToken.sol";
import {AssetId} from "../../contracts/types/AssetId.sol";
import {EpochId} from "../../contracts/types/EpochId.sol";
import {Assertions} from "./support/Assertions.sol";
import {Handler} from "./support/Handler.sol";

struct FuzzSelector {
    address addr;
    bytes4[] selectors;
}

/// @title Promises 1, 3 and 5 of the design, whatever anyone does
contract InvariantsTest is Assertions {
    Handler private handler;
    Rollup private rollup;
    Bridge private bridge;
    L1Queue private queue;
    TestToken private usd;

    function setUp() public {
        handler = new Handler();
        (address a, address b, address c, address d) = handler.contracts();
        (rollup, bridge, queue, usd) = (Rollup(a), Bridge(b), L1Queue(c), TestToken(d));
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory actions = new bytes4[](17);
        actions[0] = Handler.depositEther.selector;
        actions[1] = Handler.depositToken.selector;
        actions[2] = Handler.force.selector;
        actions[3] = Handler.commit.selector;
        actions[4] = Handler.commitAndProve.selector;
        actions[5] = Handler.prove.selector;
        actions[6] = Handler.proveFalsely.selector;
        actions[7] = Handler.prune.selector;
        actions[8] = Handler.freeze.selector;
        actions[9] = Handler.exit.selector;
        actions[10] = Handler.pullBack.selector;
        actions[11] = Handler.claim.selector;
        actions[12] = Handler.withdrawFees.selector;
        actions[13] = Handler.donate.selector;
        actions[14] = Handler.brake.selector;
        actions[15] = Handler.list.selector;
        actions[16] = Handler.wait_.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector({addr: address(handler), selectors: actions});
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_FullReserve() public view {
        for (uint64 asset = 1; asset < 3; asset++) {
            (uint256 liabilities,,) = bridge.assets(AssetId.wrap(asset));
            assertEq(liabilities, handler.reserve(asset), "liabilities are what came in and did not go out");
            assertEq(liabilities, handler.owes(asset), "and what the books say");
            uint256 held = asset == 1 ? address(bridge).balance : usd.balanceOf(address(bridge));
            assertAtMost(liabilities, held, "the vault holds what it owes");
        }
    }

    function invariant_NoPromiseWasBroken() public view {
        assertEq(bytes(handler.violation()).length, 0, handler.violation());
    }

    function invariant_EachItemIsQueuedOnce() public view {
        assertEq(queue.length(), handler.queueLength(), "one item each");
        assertAtMost(rollup.cursor(), handler.queueLength(), "taken once");
    }

    function invariant_EpochsChangeByProofOnly() public view {
        (EpochId head, EpochId proven) = rollup.status();
        assertEq(EpochId.unwrap(proven), handler.provenEpochs(), "proven");
        assertEq(EpochId.unwrap(head), handler.tipId(), "head");
        for (uint64 id = 0; id <= handler.tipId(); id++) {
            assertEq(rollup.epochs(EpochId.wrap(id)), handler.recordHash(id), "records never change");
        }
        assertTrue(rollup.isFrozen() == handler.frozen(), "frozen");
    }
}
