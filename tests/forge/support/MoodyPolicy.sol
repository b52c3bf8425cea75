// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IProposerPolicy} from "../../../contracts/interfaces/IProposerPolicy.sol";
import {IProverPolicy} from "../../../contracts/interfaces/IProverPolicy.sol";
import {EpochId} from "../../../contracts/types/EpochId.sol";

/// @title Answers as it is told, also by failing
contract MoodyPolicy is IProposerPolicy, IProverPolicy {
    enum Mood {
        Allow,
        Refuse,
        Fail,
        BurnGas,
        AnswerShort
    }

    Mood public mood;
    uint64 public lastProven;
    address public lastBeneficiary;
    uint64 public lastPrunedFirst;
    uint64 public lastPrunedLast;

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    function mayCommit(address, EpochId) external view returns (bool) {
        return _answer();
    }

    function mayProve(address, EpochId, uint64) external view returns (bool) {
        return _answer();
    }

    function onProven(EpochId id, address beneficiary) external {
        _answer();
        (lastProven, lastBeneficiary) = (EpochId.unwrap(id), beneficiary);
    }

    function onPruned(EpochId first, EpochId last) external {
        _answer();
        (lastPrunedFirst, lastPrunedLast) = (EpochId.unwrap(first), EpochId.unwrap(last));
    }

    function _answer() private view returns (bool) {
        if (mood == Mood.Fail) revert("broken");
        while (mood == Mood.BurnGas) {}
        if (mood == Mood.AnswerShort) {
            assembly {
                return(0, 4)
            }
        }
        return mood != Mood.Refuse;
    }
}
