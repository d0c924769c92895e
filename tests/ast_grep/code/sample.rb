# Code of many forms for pattern tests.
require 'json'
require_relative 'other'

module Sample
  LIMIT = 10

  class Item
    attr_reader :name, :count

    def initialize(name, count = 1)
      @name = name
      @count = count
    end

    def ==(other)
      name == other.name
    end
  end

  class Store < Item
    def self.open(path)
      new(JSON.parse(File.read(path)))
    end

    def get(name)
      return nil if name.nil?
      raise ArgumentError, 'empty' if name.empty?
      @items[name] || default(name)
    end

    def total
      sum = 0
      @items.each do |item|
        sum += item.count
      end
      @items.map { |item| item.count }.sum + sum
    end

    def load(path)
      if File.exist?(path)
        puts path
      elsif path == path
        puts 'same'
      else
        puts 'none'
      end
    rescue IOError => error
      puts error.message
    ensure
      close
    end

    def kind(value)
      case value
      when Integer then :number
      when String then :text
      else :other
      end
    end
  end
end

Sample::Store.open('a.json').get(:b)
puts [1, 2, 3].select { |x| x > 1 }
hash = { a: 1, 'b' => 2 }
unless hash.empty?
  puts hash[:a]
end
