// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// The least of an ERC-20 that a deposit and a payout need. Anybody may mint: it is money of a sandbox.
contract TestToken {
    event Transfer(address indexed from, address indexed to, uint256 value);

    string public symbol;
    uint8 public immutable decimals;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    /// While true every transfer reverts, so that a payout that the chain refuses can be played.
    bool public refusing;

    constructor(string memory symbol_, uint8 decimals_) {
        symbol = symbol_;
        decimals = decimals_;
    }

    function mint(address to, uint256 value) external {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function setRefusing(bool value) external {
        refusing = value;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        require(!refusing, "refused");
        require(balanceOf[msg.sender] >= value, "balance");
        unchecked {
            balanceOf[msg.sender] -= value;
        }
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
        return true;
    }
}
