// Code of many forms for pattern tests.
using System;
using System.Collections.Generic;
using System.Linq;

namespace Sample
{
    public record Point(int X, int Y);

    public interface IStore
    {
        Item Get(string name);
    }

    public class Item
    {
        public string Name { get; set; }
        public int Count { get; private set; } = 1;
        private readonly List<string> tags = new List<string>();

        public Item(string name)
        {
            Name = name ?? throw new ArgumentNullException(nameof(name));
        }
    }

    public sealed class Memory : IStore
    {
        private const int Limit = 10;
        private readonly Dictionary<string, Item> items = new();

        public Item Get(string name)
        {
            if (name == null)
            {
                throw new ArgumentException("name");
            }
            else if (name.Length > Limit)
            {
                return null;
            }
            return items.TryGetValue(name, out var item) ? item : null;
        }

        public int Total()
        {
            var sum = 0;
            foreach (var item in items.Values)
            {
                sum += item.Count;
            }
            for (int i = 0; i < 3; i++)
            {
                sum++;
            }
            return items.Values.Where(item => item.Count > 0).Sum(item => item.Count) + sum;
        }

        public async System.Threading.Tasks.Task<string> Load(string path)
        {
            try
            {
                using var reader = new System.IO.StreamReader(path);
                return await reader.ReadToEndAsync();
            }
            catch (System.IO.IOException error)
            {
                Console.WriteLine(error.Message);
                return path == path ? "" : null;
            }
            finally
            {
                Console.WriteLine("done");
            }
        }
    }
}
