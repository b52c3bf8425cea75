// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {CommitInput, IRollup} from "../../contracts/interfaces/IRollup.sol";
import {EpochFees, EpochRecord} from "../../contracts/types/EpochRecord.sol";
import {Deployment} from "./support/Deployment.sol";
import {MoodyPolicy} from "./support/MoodyPolicy.sol";

contract PoliciesTest is Deployment {
    MoodyPolicy private policy;
    EpochFees private none;

    function setUp() public {
        policy = new MoodyPolicy();
        deploy(address(policy), address(policy));
    }

    function test_PoliciesDecide() public {
        EpochRecord memory record = commitEpoch(emptyEpoch(4));
        CommitInput memory input = inputFor(emptyEpoch(4));
        bytes memory proof = goodProof(record, address(this));
        policy.setMood(MoodyPolicy.Mood.Refuse);
        vm.prank(proposer, proposer);
        vm.expectRevert(abi.encodeWithSelector(IRollup.ProposerRefused.selector, proposer));
        rollup.commit(input);
        vm.expectRevert(abi.encodeWithSelector(IRollup.ProverRefused.selector, address(this)));
        rollup.prove(record, none, address(this), proof);
        policy.setMood(MoodyPolicy.Mood.Allow);
        rollup.prove(record, none, address(this), proof);
        assertEq(policy.lastProven(), 1, "told");
        assertEq(policy.lastBeneficiary(), address(this), "told whom");
        settle(emptyEpoch(4));
        assertEq(policy.lastProven(), 2, "told again");
    }

    function test_BrokenPoliciesBlockNothing() public {
        for (uint256 mood = 2; mood < 5; mood++) {
            policy.setMood(MoodyPolicy.Mood(mood));
            EpochRecord memory record = commitEpoch(emptyEpoch(4));
            proveEpoch(record, none);
            settle(emptyEpoch(4));
        }
    }

    function test_ProverPolicyIsNotHeardAfterTheDeadline() public {
        EpochRecord memory record = commitEpoch(emptyEpoch(4));
        policy.setMood(MoodyPolicy.Mood.Refuse);
        bytes memory proof = goodProof(record, address(this));
        vm.roll(record.deadline);
        vm.expectRevert(abi.encodeWithSelector(IRollup.ProverRefused.selector, address(this)));
        rollup.prove(record, none, address(this), proof);
        vm.roll(record.deadline + 1);
        rollup.prove(record, none, address(this), proof);
    }

    function test_PolicyIsToldOfPrunesAndCannotStopThem() public {
        for (uint256 mood = 0; mood < 5; mood++) {
            EpochRecord memory genesis = tip;
            policy.setMood(MoodyPolicy.Mood.Allow);
            EpochRecord memory record = commitEpoch(emptyEpoch(4));
            vm.roll(record.deadline + 1);
            policy.setMood(MoodyPolicy.Mood(mood));
            rollup.prune(record);
            tip = genesis;
        }
        assertEq(policy.lastPrunedFirst(), 1, "first");
        assertEq(policy.lastPrunedLast(), 1, "last");
    }

    /// @dev A caller must not starve a policy of gas and take its silence for consent.
    function testFuzz_GasCannotSilencePolicies(uint256 gasLimit) public {
        policy.setMood(MoodyPolicy.Mood.Refuse);
        CommitInput memory input = inputFor(emptyEpoch(4));
        gasLimit = bound(gasLimit, 20_000, 1_000_000);
        vm.prank(proposer, proposer);
        (bool accepted,) = address(rollup).call{gas: gasLimit}(abi.encodeCall(rollup.commit, (input)));
        assertFalse(accepted, "silenced");
    }
}
