// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title Refuses ether until it is told to take it
contract MoodyReceiver {
    bool public willing;

    function setWilling(bool willing_) external {
        willing = willing_;
    }

    receive() external payable {
        require(willing, "not now");
    }
}

/// @title Burns all gas it gets
contract GasBurner {
    receive() external payable {
        while (true) {}
    }
}

/// @title Answers with a megabyte, which a careless caller would pay to copy
contract ReturnBomb {
    receive() external payable {
        assembly {
            revert(0, 1000000)
        }
    }
}

/// @title Calls back while it is paid
contract ReentrantReceiver {
    address public target;
    bytes public data;
    bool public reentered;

    function setCall(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    receive() external payable {
        (reentered,) = target.call(data);
    }
}
