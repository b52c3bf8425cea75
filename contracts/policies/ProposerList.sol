// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IProposerPolicy} from "../interfaces/IProposerPolicy.sol";
import {EpochId} from "../types/EpochId.sol";

/// @title Lets an owner's list of addresses commit
/// @notice The rollup asks nobody about epochs that only take overdue items with their proof, so the list censors no one.
contract ProposerList is IProposerPolicy, Ownable2Step {
    event ProposerSet(address indexed proposer, bool listed);

    mapping(address proposer => bool) public isListed;

    constructor(address owner_, address[] memory proposers) Ownable(owner_) {
        for (uint256 i = 0; i < proposers.length; i++) {
            _set(proposers[i], true);
        }
    }

    /// @notice Puts an address on the list or takes it off. Only the owner.
    function setProposer(address proposer, bool listed) external onlyOwner {
        _set(proposer, listed);
    }

    /// @inheritdoc IProposerPolicy
    function mayCommit(address proposer, EpochId) external view returns (bool) {
        return isListed[proposer];
    }

    function _set(address proposer, bool listed) private {
        isListed[proposer] = listed;
        emit ProposerSet(proposer, listed);
    }
}
